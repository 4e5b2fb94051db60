"""Why operators are not imported, and what to do."""

COMPILED = {"CUSTOM ethos-u": "an Arm Ethos-U", "CUSTOM edgetpu-custom-op": "a Coral Edge TPU"}
"""Operators that hold a network which another compiler has made code of."""
RANDOM = ("MULTINOMIAL", "RANDOM_STANDARD_NORMAL", "RANDOM_UNIFORM", "STABLEHLO_RNG_BIT_GENERATOR")
TABLES = ("HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE")
STRINGS = ("LSH_PROJECTION", "SKIP_GRAM")
UNUSED = ("CALL", "CONCAT_EMBEDDINGS", "DELEGATE")
"""What the schema lists, but LiteRT has no kernels for; of StableHLO's operators that are all that are not imported."""

NO_OPERATORS = ("CUSTOM", "PLACEHOLDER_FOR_GREATER_OP_CODES")
"""What the schema lists among the operators, but is none."""


def refusal(operator: str) -> tuple[str, str]:
    """The reason, and the remedy."""
    if operator in COMPILED:
        made_for = f"the file is compiled for {COMPILED[operator]}, and does not say what it computes"
        return made_for, "compile the file that it was made from"
    if operator.startswith("CUSTOM"):
        return (
            "it is none of TFLite's own operators, and the file does not say what it computes",
            "end the network before its custom operators and compute them in your program, or convert it without them",
        )
    if operator in RANDOM:
        return "it draws random numbers, others in each run", "make the numbers an input of the network"
    if operator in TABLES:
        return "tables that a run fills are not supported", "look up in your program, and make what it finds an input"
    if operator in STRINGS:
        return "what hashes or splits strings is not supported", "do that in your program, and make the result an input"
    if operator in UNUSED or operator.startswith("STABLEHLO"):
        return "LiteRT does not execute this operator either", "convert the network to operators that LiteRT executes"
    return "the operator is not supported", "see the supported operators: kpuc ops"
