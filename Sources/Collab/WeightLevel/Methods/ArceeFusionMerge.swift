internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Arcee fusion: the base takes over those of one member's elements whose change is important.
///
/// A method of mergekit without a paper. With p and q the softmax of a row of the member and of the base, each plus 1e-8,
/// an element's importance is |x − b| · Σ p log(p / q) of its row (a tensor of one dimension is one row). Taken over is
/// what reaches median + 1.5 · (Q₃ − Q₁) of the tensor's importances, a quantile being the element at ⌊q · (n − 1)⌋ in
/// ascending order. Quantiles are exact for tensors of any size, where mergekit draws a million elements at random, and
/// everything is computed in double precision: elements next to the threshold may come out differently.
public struct ArceeFusionMerge: MergeMethod {
    /// What takes over elements; `nil`: the first member.
    public var base: (any Checkpoint)?

    /// Makes the method.
    public init(base: (any Checkpoint)? = nil) {
        self.base = base
    }

    /// The method's name.
    public var name: String { "Arcee fusion" }
    /// The base, or the first member.
    public var baseline: MergeBaseline { MergeBaseline(base) }

    /// Throws unless there is one member beside the base.
    public func validate(memberCount: Int) throws(CollabError) {
        guard memberCount == 1 else {
            throw CollabError(
                .invalidRequest,
                "Arcee fusion takes over elements of one member; there are \(memberCount)."
            )
        }
    }

    /// Measures how the rows differ and where importance begins.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        var merge = ImportantElements(division: VectorScope.rows.division(of: inputs.tensor))
        try merge.measureRows(inputs)
        let count = inputs.tensor.elementCount
        if count > 0 { try merge.findThreshold(inputs, count) }
        return merge
    }

    /// Where nothing differs, nothing is taken over.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }
}

private struct ImportantElements: TensorMerge {
    /// The softmax's largest exponent and the sum of the exponentials relative to it, found in one pass.
    struct Normaliser {
        var largest = -Double.infinity
        var sum = 0.0

        mutating func add(_ value: Double) {
            if value > largest {
                sum = sum * exp(largest - value) + 1
                largest = value
            } else {
                sum += exp(value - largest)
            }
        }

        func probability(_ value: Double) -> Double { exp(value - largest) / sum + 1e-8 }
    }

    let division: VectorDivision
    /// The divergence of each row.
    var divergences: [Double] = []
    var threshold = 0.0

    init(division: VectorDivision) { self.division = division }

    mutating func measureRows(_ inputs: TensorInputs) throws(CollabError) {
        var rows = [(member: Normaliser, base: Normaliser)](
            repeating: (Normaliser(), Normaliser()),
            count: division.count
        )
        try inputs.forEachSlice { (slice) throws(CollabError) in
            forEachElement(slice) { row, _, x, b in
                rows[row].member.add(x)
                rows[row].base.add(b)
            }
        }
        var divergences = [Double](repeating: 0, count: division.count)
        try inputs.forEachSlice { (slice) throws(CollabError) in
            forEachElement(slice) { row, _, x, b in
                let (p, q) = (rows[row].member.probability(x), rows[row].base.probability(b))
                divergences[row] += p * log(p / q)
            }
        }
        // Below 0 by rounding alone.
        self.divergences = divergences.map { max(0, $0) }
    }

    mutating func findThreshold(_ inputs: TensorInputs, _ count: Int) throws(CollabError) {
        let places = [0.25, 0.5, 0.75].map { Int($0 * Double(count - 1)) }
        var selections = places.map { MagnitudeSelection(count: count - $0) }
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(TensorInputs.blockSize, count))
        defer { memory.deallocate() }
        while selections.contains(where: { !$0.isDone }) {
            try inputs.forEachSlice { (slice) throws(CollabError) in
                forEachElement(slice) { memory[$1] = importance($0, $2, $3) }
                let block = UnsafeBufferPointer(rebasing: memory[..<slice.elements.count])
                for index in selections.indices { selections[index].add(block) }
            }
            for index in selections.indices { selections[index].endPass() }
        }
        let quartiles = selections.map { Double(Float(bitPattern: $0.cut?.bits ?? 0)) }
        threshold = quartiles[1] + 1.5 * (quartiles[2] - quartiles[0])
    }

    private func importance(_ row: Int, _ x: Double, _ b: Double) -> Float {
        Float(abs(x - b) * divergences[row])
    }

    private func forEachElement(
        _ slice: TensorSlice,
        _ body: (_ row: Int, _ place: Int, _ x: Double, _ b: Double) -> Void
    ) {
        guard let base = slice.base, let member = slice.members.first else { return }
        division.forEachRun(of: slice.elements) { row, part in
            for place in part { body(row, place, Double(member[place]), Double(base[place])) }
        }
    }

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        forEachElement(slice) { row, place, x, b in
            output[place] = Float(Double(importance(row, x, b)) >= threshold ? x : b)
        }
    }
}

extension MergeMethod where Self == ArceeFusionMerge {
    /// The base takes over what is important of a member; see ``ArceeFusionMerge``.
    public static func arceeFusion(base: (any Checkpoint)? = nil) -> ArceeFusionMerge {
        ArceeFusionMerge(base: base)
    }
}
