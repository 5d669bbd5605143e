import Collab

/// Where the layers of one module of a result come from.
struct ModuleLayers: Sendable {
    /// What the module is; `nil` for a whole model and for what is neither of the known parts.
    let part: ModelPart?
    /// For every layer, which layer of its slice's first source it was.
    let origins: [Int]
    /// Whether they are the layers of the model whose configuration the result has, where they were.
    let isUnchanged: Bool

    /// - Parameters:
    ///   - origins: for every layer, which layer of its slice's first source it was.
    ///   - tensors: the module's tensors in the model whose configuration the result has.
    init(_ origins: [Int], _ tensors: [TensorDescription]) {
        let stacks = LayerStacks(tensors)
        let parts = Set(stacks.prefixes.map { ModelPart(tensor: $0) })
        part = parts.count == 1 ? parts.first ?? nil : nil
        self.origins = origins
        isUnchanged = stacks.prefixes.count != 1 || origins == Array(0..<stacks.layerCount)
    }

    /// The place of the module whose layers are those that a model is said to have: the language model's.
    static func main(of modules: [ModuleLayers]) -> Int {
        let order: [ModelPart] = [.text, .decoder]
        return order.lazy.compactMap { part in modules.firstIndex { $0.part == part } }.first ?? 0
    }
}
