/// Layers whose keys and values live and die together: those that see the same number of positions.
struct LayerGroup: Hashable, Sendable {
    /// How many positions a query sees in these layers; `nil` for all.
    var window: Int?
    /// The layers, ascending.
    var layers: [Int]

    /// The groups of a model: the unlimited layers first, then one group a window.
    static func groups(of configuration: TransformerConfiguration) -> [LayerGroup] {
        var groups: [LayerGroup] = []
        for (index, layer) in configuration.layers.enumerated() {
            if let group = groups.firstIndex(where: { $0.window == layer.window }) {
                groups[group].layers.append(index)
            } else {
                groups.append(LayerGroup(window: layer.window, layers: [index]))
            }
        }
        return groups.sorted { ($0.window ?? .max) > ($1.window ?? .max) }
    }
}
