#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ScoreCalibration {
    /// Fits a sigmoid to outcomes (Platt 1999), with targets drawn in from 0 and 1 so that few outcomes do not make it
    /// sure: with N₊ right and N₋ wrong ones they are (N₊ + 1)/(N₊ + 2) and 1/(N₋ + 2).
    ///
    /// A quality between 0 and 1 counts as that share of a right and the rest of a wrong outcome. Newton's method with
    /// a halved step where the loss would rise (Lin, Lin and Weng 2007).
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for outcomes that cannot be learned from.
    public static func plattFitted(to outcomes: [ScoredOutcome]) throws(CollabError) -> ScoreCalibration {
        try outcomes.validate(for: "Platt scaling")
        let right = outcomes.reduce(0) { $0 + $1.quality }
        let wrong = Double(outcomes.count) - right
        let (high, low) = ((right + 1) / (right + 2), 1 / (wrong + 2))
        let rows = outcomes.map { (score: $0.score, target: $0.quality * high + (1 - $0.quality) * low) }
        // Fitted on standardised scores, so that their scale does not matter.
        let mean = rows.reduce(0) { $0 + $1.score } / Double(rows.count)
        let variance = rows.reduce(0) { $0 + ($1.score - mean) * ($1.score - mean) } / Double(rows.count)
        let deviation = variance > 0 ? variance.squareRoot() : 1
        let scaled = rows.map { (score: ($0.score - mean) / deviation, target: $0.target) }
        let (slope, intercept) = logisticFit(scaled, intercept: log((right + 1) / (wrong + 1)))
        return .platt(slope: slope / deviation, intercept: intercept - slope * mean / deviation)
    }

    /// Fits the temperature of outcomes whose scores are probabilities (Guo et al. 2017), by Newton's method on its
    /// inverse, in which the loss is convex.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for scores outside 0…1, or if no positive temperature is best: the
    /// scores then rank the answers the wrong way round.
    public static func temperatureFitted(to outcomes: [ScoredOutcome]) throws(CollabError)
        -> ScoreCalibration
    {
        try outcomes.validate(for: "temperature scaling")
        if let bad = outcomes.first(where: { !(0...1).contains($0.score) }) {
            throw CollabError(
                .invalidRequest,
                "A temperature fits scores between 0 and 1, and one of them is \(bad.score); use Platt scaling."
            )
        }
        // At an inverse of 0 every probability is one half; if the loss does not fall from there, no temperature is best.
        let slope = outcomes.reduce(0) { $0 + (0.5 - $1.quality) * logit($1.score) }
        let isSeparated = outcomes.allSatisfy { $0.score == 0.5 || $0.quality == ($0.score > 0.5 ? 1 : 0) }
        guard slope < 0, !isSeparated else {
            throw CollabError(
                .invalidRequest,
                """
                No temperature fits these \(outcomes.count) outcomes: \
                \(slope < 0 ? "they are all as their scores say" : "higher scores are not right more often").
                """
            )
        }
        var inverse = 1.0
        for _ in 0..<200 {
            var (gradient, curvature) = (0.0, 1e-12)
            for outcome in outcomes {
                let odds = logit(outcome.score)
                let probability = sigmoid(inverse * odds)
                gradient += (probability - outcome.quality) * odds
                curvature += probability * (1 - probability) * odds * odds
            }
            let step = gradient / curvature
            // At most a doubling or a halving a step: far from the optimum the curvature vanishes.
            let next = min(max(inverse - step, inverse / 2), inverse * 2)
            let change = abs(next - inverse)
            inverse = next
            if change <= 1e-12 * abs(inverse) { break }
        }
        return .temperature(1 / inverse)
    }

    /// Fits a monotone curve to outcomes: the non-decreasing one with the least squared error (pool adjacent violators,
    /// Zadrozny and Elkan 2002). Outcomes of equal score are averaged first.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for outcomes that cannot be learned from.
    public static func isotonicFitted(to outcomes: [ScoredOutcome]) throws(CollabError) -> ScoreCalibration {
        try outcomes.validate(for: "isotonic regression")
        struct Block {
            var first: Double
            var last: Double
            var sum: Double
            var count: Double
            var mean: Double { sum / count }
        }
        var blocks: [Block] = []
        for outcome in outcomes.sorted(by: { $0.score < $1.score }) {
            if let last = blocks.last, last.first == outcome.score {
                blocks[blocks.count - 1].sum += outcome.quality
                blocks[blocks.count - 1].count += 1
            } else {
                blocks.append(
                    Block(first: outcome.score, last: outcome.score, sum: outcome.quality, count: 1)
                )
            }
        }
        var pooled: [Block] = []
        for block in blocks {
            pooled.append(block)
            while pooled.count > 1, pooled[pooled.count - 2].mean >= pooled[pooled.count - 1].mean {
                let last = pooled.removeLast()
                pooled[pooled.count - 1].last = last.last
                pooled[pooled.count - 1].sum += last.sum
                pooled[pooled.count - 1].count += last.count
            }
        }
        let knots = pooled.flatMap { block in
            let first = Knot(score: block.first, probability: block.mean)
            return block.first == block.last
                ? [first] : [first, Knot(score: block.last, probability: block.mean)]
        }
        return .isotonic(knots)
    }
}

/// The logistic regression of targets between 0 and 1 on one variable, by damped Newton steps.
private func logisticFit(
    _ rows: [(score: Double, target: Double)],
    intercept start: Double
) -> (slope: Double, intercept: Double) {
    // log(1 + e^z) − t z.
    func loss(_ slope: Double, _ intercept: Double) -> Double {
        rows.reduce(0) { sum, row in
            let value = slope * row.score + intercept
            return sum + (value > 0 ? value + log1p(exp(-value)) : log1p(exp(value))) - row.target * value
        }
    }
    var (slope, intercept) = (0.0, start)
    var current = loss(slope, intercept)
    for _ in 0..<100 {
        var (g1, g2, h11, h12, h22) = (0.0, 0.0, 1e-12, 0.0, 1e-12)
        for row in rows {
            let probability = sigmoid(slope * row.score + intercept)
            let (error, weight) = (probability - row.target, probability * (1 - probability))
            g1 += error * row.score
            g2 += error
            h11 += weight * row.score * row.score
            h12 += weight * row.score
            h22 += weight
        }
        if abs(g1) < 1e-11 * Double(rows.count), abs(g2) < 1e-11 * Double(rows.count) { break }
        let determinant = h11 * h22 - h12 * h12
        guard determinant > 0 else { break }
        let (d1, d2) = ((h22 * g1 - h12 * g2) / determinant, (h11 * g2 - h12 * g1) / determinant)
        var (step, improved) = (1.0, false)
        while step > 1e-10 {
            let next = loss(slope - step * d1, intercept - step * d2)
            if next <= current {
                (slope, intercept, current, improved) = (slope - step * d1, intercept - step * d2, next, true)
                break
            }
            step /= 2
        }
        if !improved { break }
    }
    return (slope, intercept)
}
