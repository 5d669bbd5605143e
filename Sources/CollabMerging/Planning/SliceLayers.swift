import Collab

/// Where the layers of a slice stand in the result.
struct SliceLayers {
    private let layers: Range<Int>
    /// How many layers each stack has where there are several, which are then merged whole.
    private let counts: [String: Int]

    /// - Parameters:
    ///   - layers: where the slice's layers stand in the result.
    ///   - tensors: the slice's tensors in the result.
    init(_ layers: Range<Int>, _ tensors: [TensorDescription]) {
        self.layers = layers
        let stacks = LayerStacks(tensors)
        counts = stacks.prefixes.count > 1 ? stacks.counts : [:]
    }

    /// Where a tensor's layer stands in the slice: 0 for the first and 1 for the last or only one of its stack; 0 outside
    /// of layers.
    func depth(of tensor: String) -> Double {
        guard case .layer(let layer) = TensorPlace(tensor) else { return 0 }
        let count = TensorPlace.stack(of: tensor).flatMap { counts[$0] }
        let range = count.map { 0..<$0 } ?? layers
        return range.count <= 1 ? 1 : Double(layer - range.lowerBound) / Double(range.count - 1)
    }
}
