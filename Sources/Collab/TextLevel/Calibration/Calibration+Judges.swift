/// A pair of answers of which one is known to be better, and what judges said of it in both orders.
public struct JudgedPair: Hashable, Sendable, Codable {
    /// The better answer.
    public var truth: Judge.Preference
    /// What the judges said, in declaration order; `nil` where one was not asked.
    public var judgements: [Judge.Judgement?]
    /// The kind of task; `nil` if that is not told apart.
    public var kind: String?

    /// Makes a pair.
    public init(truth: Judge.Preference, judgements: [Judge.Judgement?], kind: String? = nil) {
        self.truth = truth
        self.judgements = judgements
        self.kind = kind
    }
}

extension Calibration {
    /// Learns whom to believe among judges: how often each gives the same verdict in both orders, and how often it is
    /// right, each order counted by itself.
    ///
    /// So a judge that follows the order is right half of the time, and weighs nothing, however often it is right when it
    /// does not contradict itself. Verdicts that could not be read count as wrong.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` if there are fewer pairs than ``minimumExamples``, or if a pair does not
    /// have a judgement for each judge.
    public init(ofJudges names: [String], from pairs: [JudgedPair]) throws(CollabError) {
        guard pairs.count >= Self.minimumExamples else {
            throw CollabError(
                .invalidRequest,
                "\(pairs.count) judged pairs are too few to learn from; give \(Self.minimumExamples) or more."
            )
        }
        if let index = pairs.firstIndex(where: { $0.judgements.count != names.count }) {
            throw CollabError(
                .invalidRequest,
                "Pair \(index) has \(pairs[index].judgements.count) judgements for \(names.count) judges."
            )
        }
        func answer(_ preference: Judge.Preference?) -> Answer {
            preference.map { .value($0.rawValue) } ?? .unparsed
        }
        let examples = pairs.flatMap { pair in
            [\Judge.Judgement.plain, \Judge.Judgement.swapped].map { order in
                LabelledExample(
                    truth: .value(pair.truth.rawValue),
                    answers: pair.judgements.map { $0.map { answer($0[keyPath: order]) } },
                    kind: pair.kind
                )
            }
        }
        try self.init(of: names, from: examples)
        addConsistency(of: pairs)
    }

    private mutating func addConsistency(of pairs: [JudgedPair]) {
        for index in members.indices {
            let judged = pairs.compactMap { $0.judgements[index] }.filter {
                $0.plain != nil && $0.swapped != nil
            }
            guard !judged.isEmpty else { continue }
            members[index].orderConsistency = Double(judged.count { $0.isConsistent }) / Double(judged.count)
        }
        for kind in (kinds ?? [:]).keys { kinds?[kind]?.addConsistency(of: pairs.filter { $0.kind == kind }) }
    }
}
