public import Collab
internal import CollabBackends

/// Estimates how well each of several models would answer a question, from the question's numbers.
///
/// What comes out is comparable between models on one question and between questions; with scores between 0 and 1 it
/// stays about there. A ``LearnedRouter`` chooses by it.
public protocol QualityEstimator: Sendable {
    /// What the method is called in artefacts.
    static var method: String { get }
    /// How many models are estimated.
    var modelCount: Int { get }
    /// How many numbers a question must have.
    var dimension: Int { get }
    /// One row a question, one column a model.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for questions in a form that the method cannot read, and
    /// `invalidRequest` for another number of features.
    func qualities(of questions: FeatureTable) throws(CollabError) -> Table
    /// What has to be saved.
    var parameters: EstimatorParameters { get }
    /// Restores an estimator from what was saved.
    ///
    /// Throws ``Collab/CollabError`` with `malformedFile` where something is missing or does not fit.
    init(_ parameters: EstimatorParameters) throws(CollabError)
}

/// What an estimator is made of: named numbers and named tables.
public struct EstimatorParameters: Sendable {
    /// Settings and small numbers.
    public var numbers: [String: Double]
    /// Tables; they are saved as two-dimensional tensors of single precision.
    public var tables: [String: Table]

    /// Collects parameters.
    public init(numbers: [String: Double] = [:], tables: [String: Table] = [:]) {
        self.numbers = numbers
        self.tables = tables
    }

    /// A number that must be there and finite.
    public func number(_ name: String) throws(CollabError) -> Double {
        guard let value = numbers[name], value.isFinite else {
            throw CollabError(.malformedFile, "The router lacks the number “\(name)”.")
        }
        return value
    }

    /// A number above 0 that must be there.
    public func positive(_ name: String) throws(CollabError) -> Double {
        let value = try number(name)
        guard value > 0 else {
            throw CollabError(.malformedFile, "The router's number “\(name)” is \(value), not above 0.")
        }
        return value
    }

    /// A whole number of a range that must be there.
    public func whole(_ name: String, in range: ClosedRange<Int>) throws(CollabError) -> Int {
        let value = try number(name)
        guard let whole = Int(exactly: value), range.contains(whole) else {
            throw CollabError(.malformedFile, "The router's number “\(name)” is \(value).")
        }
        return whole
    }

    /// A table that must be there, of some shape, without infinities; NaN only where it may be.
    public func table(
        _ name: String,
        rows: Int? = nil,
        columns: Int? = nil,
        allowingNaN: Bool = false
    ) throws(CollabError) -> Table {
        guard let table = tables[name] else {
            throw CollabError(.malformedFile, "The router lacks the table “\(name)”.")
        }
        guard table.rows > 0, table.columns > 0, rows ?? table.rows == table.rows,
            columns ?? table.columns == table.columns
        else {
            throw CollabError(
                .malformedFile,
                "The router's table “\(name)” is \(table.rows) × \(table.columns), which does not fit the others."
            )
        }
        guard table.values.allSatisfy({ $0.isFinite || (allowingNaN && $0.isNaN) }) else {
            throw CollabError(.malformedFile, "The router's table “\(name)” has values that are no numbers.")
        }
        return table
    }
}

extension QualityEstimator {
    /// Checks that questions have as many numbers as the estimator learned from.
    func check(_ questions: FeatureTable) throws(CollabError) {
        guard questions.dimension == dimension else {
            throw CollabError(
                .invalidRequest,
                "The router learned from \(dimension) features a question, but was given \(questions.dimension)."
            )
        }
    }
}

/// Learns an estimator from a training set.
public protocol RouterTraining: Sendable {
    /// What the method and its settings are, for people.
    var name: String { get }
    /// Learns.
    ///
    /// - Parameters:
    ///   - set: what to learn from.
    ///   - seed: where chance begins; the same seed gives the same estimator.
    ///   - progress: is told how much is done, 0…1.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` for features in a form that the method cannot read,
    /// `invalidRequest` for settings and data that it cannot work with, and `cancelled`.
    func train(
        on set: TrainingSet,
        seed: UInt64,
        progress: (Double) -> Void
    ) throws(CollabError) -> any QualityEstimator
}

extension RouterTraining {
    /// Learns without telling of its progress.
    public func train(on set: TrainingSet, seed: UInt64 = 0) throws(CollabError) -> any QualityEstimator {
        try train(on: set, seed: seed) { _ in }
    }
}
