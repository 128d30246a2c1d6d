"""What a person must decide: work items, each with an owner, one open item per matter."""
