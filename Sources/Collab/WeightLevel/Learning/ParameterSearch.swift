/// A way of looking for numbers that make a loss small, such as the weights of a merge.
///
/// A search does no work of its own: it names points, is told what was found at them, and names the next. It is a value
/// that depends on nothing but what it was made with and told, so that a search that was broken off is resumed by telling
/// it again what is known already. ``MergeSearch`` drives one.
public protocol ParameterSearch: Sendable {
    /// What to call it.
    var name: String { get }
    /// How many numbers a point has.
    var dimension: Int { get }
    /// The points to be tried next, which do not depend on one another; none if the search has ended.
    mutating func nextPoints() -> [[Double]]
    /// Takes in the losses of the points that were named last, in their order; smaller is better, none is NaN.
    mutating func learn(_ losses: [Double])
}

/// The range that every number of a point is kept in.
public struct SearchBounds: Hashable, Sendable, Codable {
    /// The smallest value.
    public var lower: Double
    /// The largest value.
    public var upper: Double

    /// Makes a range; the ends are exchanged if they are given the other way round.
    public init(_ lower: Double, _ upper: Double) {
        (self.lower, self.upper) = (min(lower, upper), max(lower, upper))
    }

    /// No bounds.
    public static let none = SearchBounds(-.infinity, .infinity)

    /// The nearest point within the bounds.
    func clamp(_ point: [Double]) -> [Double] { point.map { min(max($0, lower), upper) } }
}

extension SeededGenerator {
    /// A number of the standard normal distribution (G. Box and M. Muller, *A Note on the Generation of Random Normal
    /// Deviates*, 1958).
    mutating func nextNormal() -> Double {
        let (radius, angle) = (1 - nextUnit(), 2 * Double.pi * nextUnit())
        return (-2 * naturalLogarithm(radius)).squareRoot() * cosine(angle)
    }
}
