/// A rule that needs to know whole task vectors of a matrix.
///
/// What a conforming method does to matrices it says in ``change(of:)``; matrices of more than ``largestMatrix`` elements,
/// such as embeddings of large vocabularies, and whatever is no matrix get the mean of the task vectors. No task vector is in memory
/// as a whole: what there has to be known of it are a few matrices of the order of one side, in double precision;
/// where those take more memory than ``MatrixSpace/usual`` has, they are in scratch files.
protocol WholeMatrixMethod: MergeMethod {
    /// The factor of the merged task vector.
    var lambda: MergeParameter { get }
    /// How many elements a matrix may have to be merged as one.
    var largestMatrix: Int { get }
    /// The merged task vector.
    func change(of tasks: TaskMatrices) throws(CollabError) -> any BlockwiseMatrix
    /// The most that a matrix takes, at one time or another.
    func demand(rows: Int, columns: Int, memberCount: Int) -> MatrixDemand
}

extension WholeMatrixMethod {
    /// Throws for a λ that is not finite.
    public func validate(memberCount: Int, tensor: String?) throws(CollabError) {
        try lambda.validate("values of λ", memberCount: 1, tensor: tensor)
    }

    /// Where nothing differs, the task vectors are 0.
    public func keepsEqual(tensor: String, memberCount: Int) -> Bool { true }

    /// Finds what the merged task vector of a matrix is computed by.
    public func prepare(_ inputs: TensorInputs) throws(CollabError) -> any TensorMerge {
        let factor = lambda.value(tensor: inputs.tensor.name)
        guard isMergedWhole(inputs.tensor) else {
            let weight = factor / Double(inputs.members.count)
            return WeightedSum(weights: inputs.members.map { _ in weight }, baseWeight: 1 - factor)
        }
        return try inputs.wholeModel.whileAlone { () throws(CollabError) in
            let change = try change(of: TaskMatrices(inputs))
            return RowBlocks(change, of: inputs.tensor, factor: factor, addsBase: true)
        }
    }

    /// Of matrices, the number that may be merged as one.
    public func elementLimit(of tensor: TensorDescription) -> Int? {
        tensor.shape.count == 2 ? largestMatrix : nil
    }

    /// The most memory that a tensor takes beside slices of the inputs.
    public func workingByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        demand(of: tensor, memberCount)?.memory ?? 0
    }

    /// The most disk space that a tensor takes beside the result.
    public func scratchByteCount(of tensor: TensorDescription, memberCount: Int) -> Int {
        demand(of: tensor, memberCount)?.scratch ?? 0
    }

    private func demand(of tensor: TensorDescription, _ memberCount: Int) -> MatrixDemand? {
        guard isMergedWhole(tensor) else { return nil }
        return demand(rows: tensor.shape[0], columns: tensor.shape[1], memberCount: memberCount)
    }

    private func isMergedWhole(_ tensor: TensorDescription) -> Bool {
        guard let limit = elementLimit(of: tensor) else { return false }
        return tensor.elementCount <= limit && tensor.elementCount > 0
    }
}
