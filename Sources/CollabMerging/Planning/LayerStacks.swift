import Collab

/// The stacks of layers in a model: one in a language model, another in a vision tower beside it.
///
/// A configuration's layers are numbers; where there are several stacks, they do not say of which.
struct LayerStacks {
    /// What stands before the layers' numbers, such as `model.layers.`, sorted.
    let prefixes: [String]
    /// How many layers the deepest of them has.
    let layerCount: Int

    init(_ tensors: [TensorDescription]) {
        prefixes = Set(tensors.compactMap { TensorPlace.stack(of: $0.name) }).sorted()
        layerCount = tensors.reduce(0) { count, tensor in
            guard case .layer(let layer) = TensorPlace(tensor.name) else { return count }
            return max(count, layer + 1)
        }
    }
}
