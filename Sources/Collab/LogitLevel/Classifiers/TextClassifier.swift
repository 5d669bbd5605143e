/// Something that tells how probable it is that a text has an attribute: that it is polite, on topic, harmless.
public protocol TextClassifier: Sendable {
    /// What to call it in formulas and traces.
    var name: String { get }
    /// The natural logarithm of the probability that each text has the attribute.
    ///
    /// - Parameters:
    ///   - texts: beginnings of an answer.
    ///   - request: what is being answered, if the answer began with a request.
    func logProbabilities(of texts: [String], after request: Request?) async throws(CollabError) -> [Double]
}

/// A classifier that is a closure.
public struct ClosureClassifier: TextClassifier {
    /// What to call it.
    public let name: String
    private let score: @Sendable (String) -> Double

    /// Makes a classifier of a function from a text to the probability of the attribute.
    public init(_ name: String, probability: @escaping @Sendable (_ text: String) -> Double) {
        self.name = name
        score = probability
    }

    /// The logarithms of what the function says; probabilities are kept above 10⁻³⁰.
    public func logProbabilities(
        of texts: [String],
        after request: Request?
    ) async throws(CollabError) -> [Double] {
        texts.map { log(min(max(score($0), 1e-30), 1)) }
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif
