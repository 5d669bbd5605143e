/// How alike the votes' texts are, each with each, and what follows from it for their answers.
struct SimilarityVote {
    /// By the votes' place: first those of the first answer, and so on.
    let similarities: [[Double]]

    /// By the words and word pairs that texts have in common.
    init(byWordsOf candidates: [Tally.Candidate]) {
        let groups = Self.texts(of: candidates).map(WordGroups.init)
        similarities = groups.map { left in groups.map { left.similarity(to: $0) } }
    }

    /// By the cosine of vectors of unit length.
    init(vectors: [[Float]]) {
        similarities = vectors.map { left in
            vectors.map { right in Double(zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }) }
        }
    }

    /// The votes' texts, in the order of the candidates.
    static func texts(of candidates: [Tally.Candidate]) -> [String] {
        candidates.flatMap(\.ballots).map { $0.text ?? $0.answer.description }
    }

    /// The likeness of each answer's most central text to all other texts; votes for the same answer are alike.
    func weights(of candidates: [Tally.Candidate]) -> [Double] {
        let answers = candidates.indices.flatMap { Array(repeating: $0, count: candidates[$0].ballots.count) }
        let totals = answers.indices.map { own in
            answers.indices.reduce(0.0) { sum, other in
                if own == other { return sum }
                return sum + (answers[own] == answers[other] ? 1 : max(similarities[own][other], 0))
            }
        }
        return candidates.indices.map { candidate in
            zip(answers, totals).reduce(0) { $1.0 == candidate ? max($0, $1.1) : $0 }
        }
    }
}

/// Compares texts by an embedder's vectors.
private struct EmbeddedSimilarity: Arbiter {
    let embedder: any EmbeddingModel

    var models: [any TextModel] { [] }
    func callCount(forAnswers count: Int) -> Int { 1 }

    func rule(on dispute: Dispute) async throws(CollabError) -> Ruling {
        let texts = SimilarityVote.texts(of: dispute.candidates)
        let vectors = try await embedder.vectors(of: texts)
        guard vectors.count == texts.count else {
            throw CollabError(
                .malformedResponse,
                "\(embedder.name) gave \(vectors.count) vectors for \(texts.count) texts."
            )
        }
        return .weights(SimilarityVote(vectors: vectors).weights(of: dispute.candidates))
    }
}

extension Aggregation {
    /// The text that is most like all others wins: for free text, where no two votes are equal (Li et al. 2024, “More
    /// agents is all you need”).
    ///
    /// Likeness is the share of words and word pairs that texts have in common (Dice); it needs no model, and knows no
    /// synonyms.
    public static let similarity = Aggregation("vote by similarity") {
        SimilarityVote(byWordsOf: $0).weights(of: $0)
    }

    /// The text whose meaning is most like that of all others wins, by the cosine of an embedder's vectors.
    public static func similarity(by embedder: any EmbeddingModel) -> Aggregation {
        Aggregation(
            "vote by similarity, as \(embedder.name) sees it",
            arbiter: EmbeddedSimilarity(embedder: embedder)
        )
    }
}
