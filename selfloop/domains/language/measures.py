"""Measures of text, with their definitions."""

from selfloop.engine.domain import Measure

MEASURES = (
    Measure(
        "heldout_bits", "bits/character", "", "less", headline=True, least=0.0,
        about="Bits a character that the model needs for real documents nobody was trained on, their ends counted",
    ),
    Measure(
        "heldout_loss", "nats/token", "", "less", optional=True, least=0.0,
        about="Mean loss of a token of the same documents, of a model whose tokens are no characters",
    ),
    Measure(
        "bits_first", "bits/character", "artefact", headline=True, least=0.0,
        about="Bits a character that the n-gram of the real documents (generation 0) needs for the samples",
    ),
    Measure(
        "unknown_words", "", "artefact", "less", headline=True, least=0.0, most=1.0,
        about="Share of a document's words that stand nowhere in the whole text; mean over documents that have words",
    ),
    Measure(
        "repeated_words", "", "artefact", least=0.0, most=1.0,
        about="Share of a document's words that have stood in it before",
    ),
    Measure("length", "characters", "moment", headline=True, least=0.0, about="Mean length of a document"),
    Measure("types", "", "mode", least=0.0, about="How many different words the first words of all samples hold"),
    Measure(
        "known_types", "", "mode", "more", headline=True, least=0.0,
        about="How many different words of the real text the first words of all samples hold",
    ),
    Measure(
        "word_entropy", "bits", "mode", "more", least=0.0,
        about="Entropy of the words' frequencies in the first words of all samples",
    ),
    Measure(
        "pair_entropy", "bits", "mode", "more", least=0.0,
        about="Entropy of the frequencies of words with the one after them, in the first words of all samples",
    ),
    Measure(
        "zipf_slope", "", "mode",
        about="Slope of log frequency over log rank of words, by least squares over the ranks 10 to 1,000",
    ),
    Measure("distinct", "", "mode", "more", least=0.0, most=1.0, about="Different documents, over the number of all"),
    Measure(
        "mauve_like", "", "mode", "more", headline=True, least=0.0, most=1.0,
        about="Area under the divergence curve of histograms of samples and reference over cells of tf-idf content: 1 "
        "for the same law. It compares with itself alone, not with published values of MAUVE",
    ),
    Measure("failed", least=0.0, about="Documents for which no acceptable one was found; they are never trained on"),
    Measure("moved", "words", least=0.0, about="Mean number of words of a document that correction changed"),
    Measure(
        "kept", optional=True, least=0.0, most=1.0,
        about="Share of documents that were accepted as they were; the others are drawn anew",
    ),
    Measure(
        "auc", optional=True, least=0.0, most=1.0,
        about="Area under the detector's ROC curve: how often it scores a sample above an unseen real document; 0.5 is "
        "chance",
    ),
    Measure(
        "effective", optional=True, least=0.0, most=1.0,
        about="Kish's effective share of the samples after the detector's weights: (sum of w)^2 / (N sum of w^2)",
    ),
)  # fmt: skip
