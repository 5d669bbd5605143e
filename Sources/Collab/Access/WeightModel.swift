/// A model whose weights can be read and replaced: the access that merging models in a pipeline needs.
public protocol WeightModel: LogitModel {
    /// The weights.
    var checkpoint: any Checkpoint { get }
    /// The same model over other weights of the same shapes.
    ///
    /// Throws ``CollabError/Code/tensorMismatch`` if the tensors do not fit.
    func replacingWeights(with checkpoint: any Checkpoint) async throws(CollabError) -> any WeightModel
}
