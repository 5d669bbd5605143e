import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Lists of single layers' numbers follow the layers")
struct LayerNumbersTests {
    private func renumbered(_ key: String, _ items: JSONValue, _ origins: [Int], of count: Int = 6) throws
        -> JSONValue?
    {
        var object: JSONObject = [:]
        object[key] = items
        try LayerNumbers(origins, of: count).renumber(&object)
        return object[key]
    }

    @Test(
        "layers of a kind are all the layers of the result that are of it",
        arguments: [
            "cross_attention_layers", "fullatt_block_indexes", "global_attn_indexes", "window_block_indices",
            "moe_layers", "mlp_only_layers", "full_attn_idxs", "attn_layer_indices", "hybrid_layer_ids",
        ]
    )
    func kinds(_ key: String) throws {
        #expect(try renumbered(key, [1, 4], [0, 1, 2, 3, 4, 5]) == [1, 4])
        #expect(try renumbered(key, [1, 4], [3, 4, 5]) == [1])
        #expect(try renumbered(key, [1, 4], [0, 1, 2, 0, 1, 2, 3, 4, 5]) == [1, 4, 7])
        #expect(try renumbered(key, [4, 1], [4, 0, 1]) == [0, 2])
        #expect(try renumbered(key, [4], [0, 1]) == [])
        #expect(try renumbered(key, [], [0, 1]) == [])
    }

    @Test(
        "layers that have a part of the model outside the layers keep the parts' order, and each is there once",
        arguments: ["deepstack_visual_indexes", "intermediate_layers_indices"]
    )
    func paired(_ key: String) throws {
        #expect(try renumbered(key, [1, 4], [1, 2, 3, 4]) == [0, 3])
        #expect(try renumbered(key, [1, 4], [0, 0, 1, 2, 3, 3, 4]) == [2, 6])
        #expect(try renumbered(key, [4, 1], [1, 2, 3, 4]) == [3, 0])
        for origins in [[0, 1], [1, 1, 4], [1, 4, 4], [4, 1]] {
            let error = #expect(throws: CollabError.self) { try renumbered(key, [1, 4], origins) }
            #expect(error?.code == .unsupported && error?.message.contains(key) == true, "\(origins)")
        }
    }

    @Test("a list of something else is refused", arguments: [[6], [-1], ["a"], [0.5], [[1]]] as [JSONValue])
    func others(_ items: JSONValue) throws {
        let error = #expect(throws: CollabError.self) {
            try renumbered("cross_attention_layers", items, [1, 2, 3])
        }
        #expect(error?.code == .unsupported)
    }

    @Test("counts of layers that no model has are no reason to give up", arguments: [-1, 0, .max])
    func hostileCounts(_ count: Int) throws {
        var object: JSONObject = ["num_hidden_layers": JSONValue(count), "window": 3]
        try ResultConfiguration.setLayers(&object, [1, 0], ["num_hidden_layers"])
        #expect(object["num_hidden_layers"] == 2)
        object = ["num_hidden_layers": JSONValue(count), "moe_layers": [1]]
        if count > 0 {
            try ResultConfiguration.setLayers(&object, [1, 0], ["num_hidden_layers"])
            #expect(object["moe_layers"] == [0])
        } else {
            #expect(throws: CollabError.self) {
                try ResultConfiguration.setLayers(&object, [1, 0], ["num_hidden_layers"])
            }
        }
    }

    @Test("numbers that no model has as many layers as are names")
    func hostileNames() {
        #expect(TensorPlace("model.layers.99999.w") == .layer(99_999))
        for name in ["model.layers.100000.w", "model.layers.9223372036854775807.w"] {
            #expect(TensorPlace(name) == .afterLayers)
        }
        #expect(TensorPlace("model.layers.9223372036854775807.2.w") == .layer(2))
    }

    private let layers = (0..<4).map { "model.layers.\($0).mlp.up_proj.weight" }

    @Test("a stack renumbers them, though there be as many as layers; a whole model leaves them")
    func stacks() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers,
            configuration: """
                {"num_hidden_layers": 4, "mlp_only_layers": [0, 3], "moe_layers": [0, 1, 2, 3],
                 "cross_attention_layers": [2], "layer_types": ["a", "b", "c", "d"]}
                """
        )
        func json(_ yaml: String) throws -> JSONValue {
            try #require(try ResultConfiguration(of: MergeFixtures.plan(yaml: yaml)).json)
        }
        let stacked = try json(
            """
            slices:
              - sources: [{model: \(model), layer_range: [1, 4]}]
              - sources: [{model: \(model), layer_range: [2, 4]}]
            merge_method: passthrough
            """
        )
        #expect(stacked["mlp_only_layers"] == [2, 4] && stacked["moe_layers"] == [0, 1, 2, 3, 4])
        #expect(stacked["cross_attention_layers"] == [1, 3])
        #expect(stacked["layer_types"] == ["b", "c", "d", "c", "d"])
        let whole = try json("models: [{model: \(model)}]\nmerge_method: passthrough\n")
        #expect(whole["mlp_only_layers"] == [0, 3] && whole["moe_layers"] == [0, 1, 2, 3])
    }

    @Test("that a tower's layers cannot be had without a part of the model is known from the plan")
    func plan() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "q",
            tensors: VisionModels.qwen,
            configuration: """
                {"text_config": {"num_hidden_layers": 4},
                 "vision_config": {"depth": 3, "deepstack_visual_indexes": [1, 2]}}
                """
        )
        func configuration(_ range: String) throws -> JSONValue? {
            let plan = try MergeFixtures.plan(
                yaml: """
                    modules:
                      text_decoder: {models: [{model: \(model)}]}
                      vision_tower: {slices: [{sources: [{model: \(model), layer_range: \(range)}]}]}
                      multi_modal_projector: {models: [{model: \(model)}]}
                    merge_method: passthrough
                    """
            )
            return try ResultConfiguration(of: plan).json?["vision_config"]
        }
        let later = try configuration("[1, 3]")
        #expect(later?["depth"] == 2 && later?["deepstack_visual_indexes"] == [0, 1])
        let error = #expect(throws: CollabError.self) { try configuration("[0, 2]") }
        #expect(error?.code == .unsupported && error?.message.contains("names layer 2") == true)
    }
}
