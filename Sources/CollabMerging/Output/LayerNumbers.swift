import Collab
import CollabBackends

/// The lists of a configuration that name single layers by their numbers, for a result that has other layers.
struct LayerNumbers {
    /// Layers that are of another kind than the rest: those that attend to images, to all of a text, or without experts.
    private static let kinds: Set = [
        "cross_attention_layers", "fullatt_block_indexes", "global_attn_indexes", "window_block_indices",
        "moe_layers",
        "mlp_only_layers", "full_attn_idxs", "attn_layer_indices", "hybrid_layer_ids",
    ]
    /// Layers each of which has a part of the model outside the layers, in the list's order: what comes out of them goes
    /// there.
    private static let paired: Set = ["deepstack_visual_indexes", "intermediate_layers_indices"]

    /// The lists' names in a configuration.
    static let keys = kinds.union(paired)

    /// For every layer of the result, the number that it had.
    private let origins: [Int]
    /// How many layers there were.
    private let count: Int

    init(_ origins: [Int], of count: Int) {
        self.origins = origins
        self.count = count
    }

    /// Gives the listed layers the numbers that they have in the result; a layer of a kind that is there twice, twice.
    ///
    /// Throws ``Collab/CollabError`` with `unsupported` where a list has something else than numbers of layers, and where
    /// a layer that a part of the model belongs to is not there exactly once, or not in the order that the parts have.
    func renumber(_ object: inout JSONObject) throws(CollabError) {
        for key in Self.keys.sorted() {
            guard let items = object[key]?.arrayValue, !items.isEmpty else { continue }
            let listed = items.compactMap(\.intValue)
            guard listed.count == items.count, listed.allSatisfy({ $0 >= 0 && $0 < count }) else {
                throw CollabError(
                    .unsupported,
                    "“\(key)” of config.json should list numbers of its \(count) layers, whose places change here; it is "
                        + "not known what it means in the result. Keep all of these layers, or correct the list first."
                )
            }
            let numbers = Self.paired.contains(key) ? try paired(listed, key) : kind(listed)
            object[key] = .array(numbers.map { JSONValue($0) })
        }
    }

    private func kind(_ listed: [Int]) -> [Int] { origins.indices.filter { listed.contains(origins[$0]) } }

    private func paired(_ listed: [Int], _ key: String) throws(CollabError) -> [Int] {
        var numbers: [Int] = []
        for number in listed {
            let places = origins.indices.filter { origins[$0] == number }
            guard places.count == 1 else {
                throw CollabError(
                    .unsupported,
                    "“\(key)” of config.json names layer \(number), to which a part of the model outside the layers belongs, "
                        + "and which the result has \(places.count) times; let it have the layer once."
                )
            }
            numbers.append(places[0])
        }
        guard zip(numbers, numbers.dropFirst()).allSatisfy(<) || listed != listed.sorted() else {
            throw CollabError(
                .unsupported,
                "“\(key)” of config.json names the layers \(listed.map(String.init).joined(separator: ", ")), to each of "
                    + "which a part of the model outside the layers belongs, and which stand in another order in the "
                    + "result; let them stand in this one."
            )
        }
        return numbers
    }
}
