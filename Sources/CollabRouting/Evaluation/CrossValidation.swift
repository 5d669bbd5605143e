public import Collab

/// Estimates of questions that were not learned from.
public struct CrossValidation: Sendable {
    /// Which fold each question is in.
    public let folds: [Int]
    /// What was estimated for each question by the estimator that had not seen its fold.
    public let qualities: Table

    /// Learns once for each fold from all others, and estimates the fold.
    ///
    /// - Parameters:
    ///   - set: all questions.
    ///   - folds: how many parts, at least 2 and at most as many as there are questions.
    ///   - training: the method.
    ///   - features: weights that depend on the training texts are made anew for each fold by this closure, which gets
    ///     the places that are learned from; `nil`: the set's features do not depend on the others.
    ///   - seed: where chance begins; it also decides who is in which fold.
    ///   - progress: is told how much is done, 0…1.
    ///
    /// Throws what training throws, and ``Collab/CollabError`` with `invalidRequest` for a number of folds that cannot be.
    public init(
        of set: TrainingSet,
        folds count: Int = 5,
        by training: some RouterTraining,
        features: ((_ learning: [Int]) throws(CollabError) -> FeatureTable)? = nil,
        seed: UInt64 = 0,
        progress: (Double) -> Void = { _ in }
    ) throws(CollabError) {
        let folds = try Self.folds(of: set.count, into: count, seed: seed)
        var qualities = Table(rows: set.count, columns: set.models.count)
        for fold in 0..<count {
            let learning = folds.indices.filter { folds[$0] != fold }
            let held = folds.indices.filter { folds[$0] == fold }
            var all = set
            if let features {
                all = try TrainingSet(
                    features: try features(learning),
                    models: set.models,
                    scores: set.scores,
                    battles: set.battles
                )
            }
            let estimator = try training.train(on: try all.selecting(learning), seed: seed) {
                progress((Double(fold) + $0) / Double(count))
            }
            let estimated = try estimator.qualities(of: all.features.selecting(held))
            for (row, place) in held.enumerated() {
                for model in set.models.indices { qualities[place, model] = estimated[row, model] }
            }
            progress(Double(fold + 1) / Double(count))
        }
        self.folds = folds
        self.qualities = qualities
    }

    /// Deals places into folds of equal size (but for one) by chance.
    public static func folds(of count: Int, into folds: Int, seed: UInt64) throws(CollabError) -> [Int] {
        guard folds >= 2, folds <= count else {
            throw CollabError(.invalidRequest, "\(count) questions cannot be dealt into \(folds) folds.")
        }
        var generator = SeededGenerator(seed: seed)
        var result = [Int](repeating: 0, count: count)
        for (place, question) in Array(0..<count).shuffled(using: &generator).enumerated() {
            result[question] = place % folds
        }
        return result
    }

    /// How much better one model was estimated than another, question by question.
    public func advantages(of strong: Int, over weak: Int) -> [Double] {
        (0..<qualities.rows).map { Double(qualities[$0, strong]) - Double(qualities[$0, weak]) }
    }
}
