import Collab

/// The stacks of layers in a model or a module of it: one in a language model, another in a vision tower beside it.
///
/// A configuration's layers are numbers; where there are several stacks, they do not say of which.
struct LayerStacks {
    /// What stands before the layers' numbers, such as `model.layers.`, sorted.
    let prefixes: [String]
    /// How many layers each of them has, by what stands before their numbers.
    let counts: [String: Int]
    /// How many layers the deepest of them has.
    let layerCount: Int
    /// How many different numbers layers have; fewer than there are layers where numbers are left out.
    private let numberCount: Int

    init(_ tensors: [TensorDescription]) {
        var counts: [String: Int] = [:]
        var numbers: Set<Int> = []
        for tensor in tensors {
            guard case .layer(let layer) = TensorPlace(tensor.name),
                let stack = TensorPlace.stack(of: tensor.name)
            else { continue }
            counts[stack] = max(counts[stack] ?? 0, layer + 1)
            numbers.insert(layer)
        }
        self.counts = counts
        prefixes = counts.keys.sorted()
        layerCount = counts.values.max() ?? 0
        numberCount = numbers.count
    }

    /// Whether a range means all layers.
    ///
    /// Projectors are chains of parts of which some have no weights, as in `merger.mlp.0` and `merger.mlp.2`; who counts
    /// two of them means both.
    func isWhole(_ layers: Range<Int>?) -> Bool {
        guard let layers else { return true }
        return layers == 0..<layerCount || layers == 0..<numberCount
    }
}
