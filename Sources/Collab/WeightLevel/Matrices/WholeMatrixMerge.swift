internal import CollabKernels

/// A rule that needs the whole task vectors of a matrix at once.
///
/// What a conforming method does to matrices it says in ``change(of:)``; vectors, embeddings of more than
/// ``largestMatrix`` elements and whatever else is no matrix get the mean of the task vectors. The matrices of one tensor
/// are in memory in double precision while it is merged.
protocol WholeMatrixMethod: MergeMethod {
    /// The factor of the merged task vector.
    var lambda: MergeParameter { get }
    /// How many elements a matrix may have to be merged as one.
    var largestMatrix: Int { get }
    /// The merged task vector.
    func change(of tasks: [DoubleMatrix]) throws(CollabError) -> DoubleMatrix
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
        let change = try change(of: try inputs.wholeDeltas())
        return WholeChange(values: change.values.map { Float(factor * $0) })
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
