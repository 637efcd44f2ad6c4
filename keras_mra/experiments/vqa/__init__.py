"""Visual question answering: made questions about grids, and VQAv2's own."""

from keras_mra.experiments.vqa.grids import grid_questions
from keras_mra.experiments.vqa.model import build_vqa
from keras_mra.experiments.vqa.official import read_vqav2
from keras_mra.experiments.vqa.pictures import plot_questions
from keras_mra.experiments.vqa.questions import QuestionBatches
from keras_mra.experiments.vqa.questions import answer_classes
from keras_mra.experiments.vqa.questions import evaluate_vqa
from keras_mra.experiments.vqa.tokenizer import WordTokenizer
from keras_mra.experiments.vqa.training import train_vqa
from keras_mra.experiments.vqa.training import without_images
