"""Train a checkpoint on verified problems: Checkpoint × rows → Checkpoint.

    settings    what may be set, a model a trainer
    rows        a dataset, or a file of problems, as what is trained on
    jobs        one training on disk: started, resumed, finished; the Trainer protocol
    sft rl pretrain     the trainers, on TRL and transformers
    rewards     what a completion is worth: harness.grading, in the sandbox
    fake        a trainer without torch, for tests of what drives trainers

Not here: making the rows (generators/), measuring the result (harness.evaluation).
"""
