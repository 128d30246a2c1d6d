// From answers to a grade, as the hub works it out: the worst answer decides, and of equally bad ones the first asked.
// The hub decides again when it books; this is what the operator is shown at once, also without a connection.

/**
 * @typedef {{id: string, text: string, at_best: string, condition?: string, disposition?: string}} Answer
 * @typedef {{id: string, text: string, answers: Answer[]}} Question
 * @typedef {{questions: Question[], dispositions: Record<string, string>, photo_grades: string[]}} GradingSet
 */

/** The grade that follows, or null as long as a question is open. @param {GradingSet} set @param {Record<string, string>} answers */
export function graded(set, answers) {
  const given = set.questions.map((question) => question.answers.find((each) => each.id === answers[question.id]));
  if (!given.length || given.some((answer) => !answer)) return null;
  // A later letter is a worse grade.
  const worst = given.reduce((bad, answer) => (answer.at_best > bad.at_best ? answer : bad));
  return {
    grade: worst.at_best,
    condition: worst.condition ?? "as_new",
    disposition: worst.disposition ?? set.dispositions[worst.at_best] ?? "pending",
    photo: set.photo_grades.includes(worst.at_best),
  };
}
