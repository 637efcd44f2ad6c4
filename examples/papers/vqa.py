"""Visual question answering with MAE, MSA, supervised and random encoders.

*Teaching Masked Autoencoder With Strong Augmentations* (MSA, TNNLS 2025), fine-tuning
for VQAv2, where the paper reports 67.4 % for MSA. The model consists of an image
encoder, a small text encoder that attends to the image's tokens, and a classifier of
answers. All of it is trained. The encoders are those of `linear_probe.py`. By default
the questions are about grids of the images of `--data`: which class is where, how many
there are, and whether two are the same.

    KERAS_BACKEND=tensorflow python examples/papers/vqa.py   # or jax, or torch

VQAv2, with the files to train on and those to judge on (the encoders are trained on
`--data`):

    python examples/papers/vqa.py --data tfds:imagenet2012 --preset mae_base \
        --encoder-depth 12 --decoder-depth 8 \
        --questions v2_OpenEnded_mscoco_{train,val}2014_questions.json \
        --annotations v2_mscoco_{train,val}2014_annotations.json \
        --images train2014 val2014

Cost: on JAX and one core of an AMD EPYC, 24 minutes for each of 15 trainings, beside
those of `linear_probe.py`. `--quick` takes 15 s on PyTorch, 31 s on TensorFlow and 22 s
on JAX (two cores).
Expected result: unknown. The whole experiment has not been run. With one random encoder
79 % of the answers were right; guesses are right in 26 %.
"""

import functools

from study import encoders
from study import vqa
from study.study import Study
from study.tables import comparison

from keras_mra import datasets
from keras_mra.visualization import plot_learning_curves

# The settings of the questions and of the training on them.
VQA = dict(
    questions=[""],
    annotations=[""],
    images=[""],
    grid=[2, 2],
    train_questions=20_000,
    test_questions=4000,
    answers=3000,
    vqa_epochs=15,
    vqa_batch_size=64,
    vqa_learning_rate=5e-4,
    vqa_width=128,
    vqa_depth=2,
)
QUICK = dict(
    encoders=["MAE"],
    train_questions=240,
    test_questions=80,
    vqa_epochs=2,
    vqa_batch_size=16,
    vqa_depth=1,
)


def main():
    study = Study(__doc__, {**encoders.SETTINGS, **VQA}, {**encoders.QUICK, **QUICK})
    train, test, image_shape = questions(study)
    decides = {key: study.settings[key] for key in VQA}

    def judge(mae, name, seed):
        return answer(study, mae, train, test, image_shape, seed)

    def judge_text(seed, folder):
        mae, _ = encoders.trained(study, "random", seed)
        black = [vqa.without_images(part, image_shape) for part in (train, test)]
        return answer(study, mae, *black, image_shape, seed)

    runs, curves = encoders.compare(study, "VQA of", judge, **decides)
    runs["text only"] = [
        study.runs(
            "VQA of text only",
            {**encoders.decides_encoder(study, "random", seed), **decides},
            functools.partial(judge_text, seed),
        )
        for seed in study.args.seeds
    ]
    accuracies = {name: [run["accuracy"] for run in r] for name, r in runs.items()}
    accuracies["best guess"] = [run["guess"] for run in runs["text only"]]
    losses = {name: [run["curve"] for run in r] for name, r in runs.items()}
    label = "cross-entropy of training answers"
    study.write(
        study.record(runs=runs, curves=curves, questions=[len(train), len(test)]),
        {
            "## Accuracy of answers, by kind of question": comparison(
                accuracies, "MAE" if "MAE" in runs else None
            )
        },
        {
            "": plot_learning_curves(losses, "loss", label),
            "questions": vqa.plot_questions(test),
            **encoders.plot_training(curves),
        },
    )


def questions(study):
    """The questions to train on and those to judge on.

    Returns:
        `(train, test, image_shape)`: two `QuestionSet`s and the shape of their images.
    """
    args, shape = study.args, study.data.image_shape
    files = [args.questions, args.annotations, args.images]
    if any(map(any, files)):
        if any(len(names) != 2 for names in files):
            raise ValueError(
                "`--questions`, `--annotations` and `--images` must each be two paths, "
                f"the first to train on and the second to judge on. Received: {files}"
            )
        return *(vqa.read_vqav2(*names, shape) for names in zip(*files)), shape
    train, test = (
        vqa.grid_questions(
            datasets.in_memory(part), study.data.class_names, count, args.grid, seed
        )
        for seed, (part, count) in enumerate(
            [
                (study.data.train, args.train_questions),
                (study.data.test, args.test_questions),
            ]
        )
    )
    return train, test, train.images.shape[1:]


def answer(study, mae, train, test, image_shape, seed):
    """Trains a model from one encoder, and judges its answers."""
    args = study.args
    result, curve = vqa.train_vqa(
        encoders.resized(mae, image_shape),
        train,
        test,
        image_shape,
        answers=args.answers,
        epochs=args.vqa_epochs,
        batch_size=args.vqa_batch_size,
        learning_rate=args.vqa_learning_rate,
        dim=args.vqa_width,
        fusion_depth=args.vqa_depth,
        seed=seed,
    )
    return {**result.to_dict(), "curve": curve}


if __name__ == "__main__":
    main()
