/// Changes one number at a time, by a step up and down, and takes what is better; after a round without success the step
/// is halved (R. Hooke and T. Jeeves, *“Direct Search” Solution of Numerical and Statistical Problems*, 1961, without
/// their pattern move).
///
/// With a number for each group of layers (``MergeCandidates``) it is a layer-wise search, in which every trial computes
/// the tensors of one group only.
public struct CoordinateSearch: ParameterSearch {
    /// Coordinate search.
    public var name: String { "coordinate search" }
    /// How many numbers a point has.
    public var dimension: Int { best.count }
    /// The best point so far.
    public private(set) var best: [Double]
    /// How far a number is changed.
    public private(set) var step: Double
    private let smallestStep: Double
    private let bounds: SearchBounds
    private var bestLoss: Double?
    private var coordinate = 0
    private var hasImproved = false
    private var points: [[Double]] = []

    /// Makes a search.
    ///
    /// - Parameters:
    ///   - start: where it begins.
    ///   - step: how far a number is changed at first.
    ///   - smallestStep: the search ends when the step is smaller.
    ///   - bounds: what every number is kept in.
    ///
    /// Throws ``CollabError/Code/invalidRequest`` for no numbers, or steps that are not positive.
    public init(
        from start: [Double],
        step: Double,
        downTo smallestStep: Double,
        bounds: SearchBounds = .none
    ) throws(CollabError) {
        guard !start.isEmpty, start.allSatisfy(\.isFinite), step > 0, step.isFinite, smallestStep > 0 else {
            throw CollabError(
                .invalidRequest,
                "A coordinate search needs finite numbers and positive steps, not \(start.count) numbers and steps "
                    + "from \(step) to \(smallestStep)."
            )
        }
        best = bounds.clamp(start)
        self.step = step
        self.smallestStep = smallestStep
        self.bounds = bounds
    }

    /// The start; then a number a step up and a step down.
    public mutating func nextPoints() -> [[Double]] {
        if bestLoss == nil {
            points = [best]
            return points
        }
        while step >= smallestStep {
            while coordinate < dimension {
                points = [step, -step].compactMap { change in
                    var point = best
                    point[coordinate] += change
                    point = bounds.clamp(point)
                    return point == best ? nil : point
                }
                if !points.isEmpty { return points }
                coordinate += 1
            }
            if !hasImproved { step /= 2 }
            (coordinate, hasImproved) = (0, false)
        }
        points = []
        return []
    }

    /// Moves to the better neighbour if it is better than where the search stands.
    public mutating func learn(_ losses: [Double]) {
        precondition(losses.count == points.count)
        guard let known = bestLoss else {
            bestLoss = losses[0]
            return
        }
        var least = known
        for (point, loss) in zip(points, losses) where loss < least {
            (best, least, hasImproved) = (point, loss, true)
        }
        bestLoss = least
        coordinate += 1
    }
}
