"""Visual question answering on grids of labelled images and on VQAv2."""

from study.vqa.build_vqa import build_vqa
from study.vqa.evaluate_vqa import evaluate_vqa
from study.vqa.grid_questions import grid_questions
from study.vqa.plot_questions import plot_questions
from study.vqa.question_batches import QuestionBatches
from study.vqa.question_set import QuestionSet
from study.vqa.question_set import answer_classes
from study.vqa.read_vqav2 import read_vqav2
from study.vqa.train_vqa import train_vqa
from study.vqa.train_vqa import without_images
from study.vqa.word_tokenizer import WordTokenizer

__all__ = [
    "QuestionBatches",
    "QuestionSet",
    "WordTokenizer",
    "answer_classes",
    "build_vqa",
    "evaluate_vqa",
    "grid_questions",
    "plot_questions",
    "read_vqav2",
    "train_vqa",
    "without_images",
]
