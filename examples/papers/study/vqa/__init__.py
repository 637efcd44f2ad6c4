"""Visual question answering: made questions about grids, and VQAv2's own."""

from study.vqa.grids import grid_questions
from study.vqa.model import build_vqa
from study.vqa.official import read_vqav2
from study.vqa.pictures import plot_questions
from study.vqa.questions import QuestionBatches
from study.vqa.questions import answer_classes
from study.vqa.questions import evaluate_vqa
from study.vqa.tokenizer import WordTokenizer
from study.vqa.training import train_vqa
from study.vqa.training import without_images
