/// A weighted sum of checkpoints, written as arithmetic.
///
/// ```swift
/// let merged = base + 0.6 * (math - base) + 0.4 * (code - base)
/// ```
///
/// is task arithmetic (G. Ilharco et al., 2023): a checkpoint whose tensors are computed while they are read, each
/// element once, in double precision. It describes itself as its first term does; tensors that are the same in all
/// terms keep their stored form where the weights sum to 1.
public struct WeightFormula: Checkpoint, Identifiable {
    /// A checkpoint and its weight.
    public struct Term: Sendable {
        /// The weight of its tensors.
        public var weight: Double
        /// The checkpoint.
        public var checkpoint: any Checkpoint
    }

    /// The terms, each checkpoint once, in the order in which they first occur.
    public let terms: [Term]
    private let merged: MergedCheckpoint

    fileprivate init(terms: [Term]) {
        let terms = Self.merged(terms)
        self.terms = terms
        // What has cancelled is not read.
        let used = terms.filter { $0.weight != 0 }
        merged = MergedCheckpoint(
            formulaText(terms.map { ($0.weight, $0.checkpoint.name) }),
            FormulaMerge(weights: used.map(\.weight)),
            members: used.map(\.checkpoint),
            describedBy: terms.first?.checkpoint
        )
    }

    /// Adds up the weights of equal checkpoints; one that cancels stays, since it may be the base that describes the
    /// others.
    private static func merged(_ terms: [Term]) -> [Term] {
        var merged: [Term] = []
        var identities: [ModelIdentity?] = []
        for term in terms {
            let identity = ModelIdentity(term.checkpoint)
            if let identity, let place = identities.firstIndex(of: identity) {
                let sum = merged[place].weight + term.weight
                // What cancels on paper may leave a rounding error.
                merged[place].weight = abs(sum) < 1e-12 * max(1, abs(term.weight)) ? 0 : sum
            } else {
                merged.append(term)
                identities.append(identity)
            }
        }
        return merged
    }

    /// Equal for copies of one formula.
    public var id: ObjectIdentifier { ObjectIdentifier(merged) }
    /// The formula.
    public var name: String { merged.name }
    /// The first term's tensors.
    public var tensors: [TensorDescription] { merged.tensors }
    /// What the first term's tensors are the weights of.
    public var specification: any ModelSpecification { merged.specification }

    /// Checks that the terms can be added up; see ``MergedCheckpoint/validate()``.
    public func validate() throws(CollabError) { try merged.validate() }

    /// The description of a tensor, or `nil`.
    public func description(of tensor: String) -> TensorDescription? { merged.description(of: tensor) }

    /// Computes a range of a tensor's elements; see ``MergedCheckpoint/read(_:elements:into:)``.
    public func read(
        _ tensor: String,
        elements: Range<Int>,
        into buffer: UnsafeMutableBufferPointer<Float>
    ) throws(CollabError) {
        try merged.read(tensor, elements: elements, into: buffer)
    }

    /// The stored form of a tensor that the formula leaves as it is.
    public func storage(of tensor: String) -> TensorStorage? { merged.storage(of: tensor) }
}

/// Σ wᵢ xᵢ with weights that are known.
private struct FormulaMerge: MergeMethod {
    let weights: [Double]
    var name: String { "formula" }
    var baseline: MergeBaseline { .none }

    func validate(memberCount: Int) throws(CollabError) {
        guard weights.allSatisfy(\.isFinite) else {
            throw CollabError(
                .invalidRequest,
                "A formula over checkpoints has a weight that is not finite: \(weights)."
            )
        }
    }

    func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        WeightedSum(weights: weights)
    }

    func keepsEqual(tensor: String, memberCount: Int) -> Bool { abs(weights.reduce(0, +) - 1) < 1e-12 }
}

extension WeightFormula {
    /// A checkpoint as terms of a formula.
    fileprivate static func terms(of checkpoint: any Checkpoint, times weight: Double = 1) -> [Term] {
        if let formula = checkpoint as? WeightFormula {
            return formula.terms.map { Term(weight: weight * $0.weight, checkpoint: $0.checkpoint) }
        }
        return [Term(weight: weight, checkpoint: checkpoint)]
    }
}

/// The sum of two checkpoints, tensor by tensor.
public func + (left: any Checkpoint, right: any Checkpoint) -> WeightFormula {
    WeightFormula(terms: WeightFormula.terms(of: left) + WeightFormula.terms(of: right))
}

/// The difference of two checkpoints: a task vector where the right one is the base.
public func - (left: any Checkpoint, right: any Checkpoint) -> WeightFormula {
    WeightFormula(terms: WeightFormula.terms(of: left) + WeightFormula.terms(of: right, times: -1))
}

/// A checkpoint times a weight.
public func * (weight: Double, checkpoint: any Checkpoint) -> WeightFormula {
    WeightFormula(terms: WeightFormula.terms(of: checkpoint, times: weight))
}

/// A checkpoint times a weight.
public func * (checkpoint: any Checkpoint, weight: Double) -> WeightFormula { weight * checkpoint }

/// A checkpoint divided by a number.
public func / (checkpoint: any Checkpoint, divisor: Double) -> WeightFormula { (1 / divisor) * checkpoint }

/// A checkpoint negated.
public prefix func - (checkpoint: any Checkpoint) -> WeightFormula { -1 * checkpoint }
