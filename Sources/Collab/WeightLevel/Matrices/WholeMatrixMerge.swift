internal import CollabKernels

/// A rule that needs the whole task vectors of a matrix at once.
///
/// What a conforming method does to matrices it says in ``change(of:)``; vectors, embeddings of more than
/// ``largestMatrix`` elements and whatever else is no matrix get the mean of the task vectors. A tensor is in memory in
/// double precision, a few times over, while it is merged, by one thread at a time.
protocol WholeMatrixMethod: MergeMethod {
    /// The factor of the merged task vector.
    var lambda: MergeParameter { get }
    /// How many elements a matrix may have to be merged as one.
    var largestMatrix: Int { get }
    /// The merged task vector.
    func change(of tasks: TaskMatrices) throws(CollabError) -> DoubleMatrix
}

extension WholeMatrixMethod {
    /// Throws for a λ that is not finite.
    public func validate(memberCount: Int) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1)
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }

    /// Computes the merged task vector of a matrix.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let factor = lambda.value(tensor: inputs.tensor.name)
        let shape = inputs.tensor.shape
        guard shape.count == 2, inputs.tensor.elementCount <= largestMatrix, inputs.tensor.elementCount > 0
        else {
            let weight = factor / Double(inputs.members.count)
            return WeightedSum(weights: inputs.members.map { _ in weight }, baseWeight: 1 - factor)
        }
        return try inputs.wholeModel.whileAlone { () throws(CollabError) in
            let change = try change(of: TaskMatrices(inputs))
            return WholeChange(values: change.values.map { Float(factor * $0) })
        }
    }
}

/// The task vectors of a matrix, each read when it is asked for, so that not all of them have to be in memory.
struct TaskMatrices {
    private let inputs: TensorInputs

    init(_ inputs: TensorInputs) { self.inputs = inputs }

    /// How many there are.
    var count: Int { inputs.members.count }
    var rows: Int { inputs.tensor.shape[0] }
    var columns: Int { inputs.tensor.shape[1] }

    /// The task vector of a member.
    func matrix(_ member: Int) throws(CollabError) -> DoubleMatrix { try sum(of: [member]) }

    /// All task vectors, added up.
    func sum() throws(CollabError) -> DoubleMatrix { try sum(of: Array(0..<count)) }

    private func sum(of members: [Int]) throws(CollabError) -> DoubleMatrix {
        var sum = DoubleMatrix(rows: rows, columns: columns)
        try inputs.forEachDelta(of: members) { parts, first in
            sum.values.withUnsafeMutableBufferPointer { values in
                for part in parts {
                    for place in part.indices { values[first + place] += Double(part[place]) }
                }
            }
            return true
        }
        return sum
    }
}

extension TensorInputs {
    /// The task vectors of a matrix.
    func wholeDeltas() throws(CollabError) -> [DoubleMatrix] {
        var deltas = members.map { _ in DoubleMatrix(rows: tensor.shape[0], columns: tensor.shape[1]) }
        try forEachDelta(of: Array(members.indices)) { parts, first in
            for (index, part) in parts.enumerated() {
                for place in part.indices { deltas[index].values[first + place] = Double(part[place]) }
            }
            return true
        }
        return deltas
    }
}

/// A base plus a change that is known as a whole.
struct WholeChange: TensorMerge {
    var values: [Float]

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        guard let base = slice.base else { return }
        values[slice.elements].withUnsafeBufferPointer { change in
            for place in output.indices { output[place] = Float(Double(base[place]) + Double(change[place])) }
        }
    }

    var heldByteCount: Int { values.count * 4 }
}

/// A tensor that is known as a whole.
struct WholeTensor: TensorMerge {
    var values: [Float]

    func merge(_ slice: TensorSlice, into output: UnsafeMutableBufferPointer<Float>) {
        _ = output.update(fromContentsOf: values[slice.elements])
    }

    var heldByteCount: Int { values.count * 4 }
}
