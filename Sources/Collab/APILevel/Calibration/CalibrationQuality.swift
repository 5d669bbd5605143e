/// How well scores tell what will be right: how far they are from frequencies, and how well they rank.
public struct CalibrationQuality: Hashable, Sendable, Codable {
    /// Outcomes whose scores lie in one range.
    public struct Bin: Hashable, Sendable, Codable {
        /// The lowest score that belongs to it.
        public var from: Double
        /// The score up to which it goes.
        public var to: Double
        /// How many outcomes.
        public var count: Int
        /// Their mean score.
        public var meanScore: Double
        /// Their mean quality.
        public var meanQuality: Double
    }

    /// How many outcomes.
    public var count: Int
    /// The expected calibration error: the mean distance of score and quality over the bins, by their share.
    public var expectedCalibrationError: Double
    /// The greatest distance in any bin.
    public var maximumCalibrationError: Double
    /// The mean squared distance of score and quality.
    public var brierScore: Double
    /// The probability that a right answer has a higher score than a wrong one, ties counted half; `nil` without both.
    /// Qualities of one half and more count as right.
    public var areaUnderROC: Double?
    /// The bins that hold outcomes, by ascending score.
    public var bins: [Bin]

    /// Measures outcomes whose scores lie between 0 and 1, in bins of equal width.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for outcomes that cannot be measured, or fewer bins than one.
    public init(of outcomes: [ScoredOutcome], bins count: Int = 10) throws(CollabError) {
        try outcomes.validate(for: "measuring calibration")
        guard count >= 1, outcomes.allSatisfy({ (0...1).contains($0.score) }) else {
            throw CollabError(
                .invalidRequest,
                "Calibration is measured in 1 bin or more, of scores between 0 and 1."
            )
        }
        var groups = [[ScoredOutcome]](repeating: [], count: count)
        for outcome in outcomes {
            groups[min(Int(outcome.score * Double(count)), count - 1)].append(outcome)
        }
        let total = Double(outcomes.count)
        bins = []
        for (index, group) in groups.enumerated() where !group.isEmpty {
            let size = Double(group.count)
            bins.append(
                Bin(
                    from: Double(index) / Double(count),
                    to: Double(index + 1) / Double(count),
                    count: group.count,
                    meanScore: group.reduce(0) { $0 + $1.score } / size,
                    meanQuality: group.reduce(0) { $0 + $1.quality } / size
                )
            )
        }
        self.count = outcomes.count
        expectedCalibrationError = bins.reduce(0) {
            $0 + abs($1.meanScore - $1.meanQuality) * Double($1.count) / total
        }
        maximumCalibrationError = bins.map { abs($0.meanScore - $0.meanQuality) }.max() ?? 0
        brierScore =
            outcomes.reduce(0) { $0 + ($1.score - $1.quality) * ($1.score - $1.quality) } / total
        areaUnderROC = Self.areaUnderROC(of: outcomes)
    }

    /// The probability that a right answer has a higher score than a wrong one, ties counted half; `nil` without both.
    public static func areaUnderROC(of outcomes: [ScoredOutcome]) -> Double? {
        let sorted = outcomes.sorted { $0.score < $1.score }
        let right = sorted.count { $0.quality >= 0.5 }
        let wrong = sorted.count - right
        guard right > 0, wrong > 0 else { return nil }
        // The sum of the right ones' ranks, equal scores sharing theirs.
        var (index, sum) = (0, 0.0)
        while index < sorted.count {
            var end = index
            while end < sorted.count, sorted[end].score == sorted[index].score { end += 1 }
            let rank = Double(index + end + 1) / 2
            sum += rank * Double(sorted[index..<end].count { $0.quality >= 0.5 })
            index = end
        }
        return (sum - Double(right) * Double(right + 1) / 2) / (Double(right) * Double(wrong))
    }
}
