import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("The configuration of a result says what the result is")
struct ResultConfigurationTests {
    private func layers(_ prefix: String, _ count: Int) -> [String] {
        (0..<count).map { "\(prefix)\($0).mlp.up_proj.weight" }
    }

    private func slices(_ model: String) -> String {
        """
        slices:
          - sources: [{model: \(model), layer_range: [0, 3]}]
          - sources: [{model: \(model), layer_range: [1, 4]}]
        merge_method: passthrough
        """
    }

    private func json(_ yaml: String) throws -> JSONValue {
        try #require(try ResultConfiguration(of: MergeFixtures.plan(yaml: yaml)).json)
    }

    @Test("every list of as many items as there were layers gets the layers' order")
    func lists() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers("model.layers.", 4),
            configuration: """
                {"num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0], "mlp_layer_types": ["a", "b", "c", "d"],
                 "eos_token_id": [1, 2, 3, 4], "sizes": [1, 2, 3]}
                """
        )
        let json = try json(slices(model))
        #expect(json["num_hidden_layers"] == 6)
        #expect(json["no_rope_layers"] == [1, 1, 1, 1, 1, 0])
        #expect(json["mlp_layer_types"] == ["a", "b", "c", "b", "c", "d"])
        #expect(json["eos_token_id"] == [1, 2, 3, 4] && json["sizes"] == [1, 2, 3])
    }

    @Test("layers that predict tokens further on are not counted, and lists keep their length")
    func uncountedLayers() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers("model.layers.", 4),
            configuration: """
                {"num_hidden_layers": 3, "num_nextn_predict_layers": 1, "layer_types": ["a", "b", "c"], "sizes": [1, 2, 3]}
                """
        )
        let whole = try json("models: [{model: \(model)}]\nmerge_method: passthrough\n")
        #expect(whole["num_hidden_layers"] == 3 && whole["layer_types"] == ["a", "b", "c"])
        #expect(whole["sizes"] == [1, 2, 3])
        let moved = try json(slices(model))
        #expect(moved["num_hidden_layers"] == 6, "slices are counted as ever")
    }

    @Test("who runs a stack in memory finds all of its layers in its configuration")
    func stackInMemory() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers("model.layers.", 4),
            configuration: "{\"num_hidden_layers\": 4}"
        )
        let result = try MergeFixtures.plan(yaml: slices(model)).result
        let specification = try #require(result.specification as? HuggingFaceSpecification)
        #expect(specification.configuration["num_hidden_layers"] == 6)
    }

    @Test("layers that a document stacks are counted where another merges its result")
    func stackedByDocument() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers("model.layers.", 4),
            configuration: "{\"num_hidden_layers\": 4, \"layer_types\": [\"a\", \"b\", \"c\", \"d\"]}"
        )
        let json = try json(
            "name: stack\n\(slices(model))\n---\nmodels: [{model: stack}]\nmerge_method: passthrough\n"
        )
        #expect(json["num_hidden_layers"] == 6)
        #expect(json["layer_types"] == ["a", "b", "c", "b", "c", "d"])
    }

    @Test("layers of a deeper model that are stacked on the donor's are counted")
    func deeperModel() throws {
        let scratch = try ScratchFolder()
        let shallow = try scratch.model(
            "shallow",
            tensors: layers("model.layers.", 2),
            configuration: "{\"num_hidden_layers\": 2}"
        )
        let deep = try scratch.model("deep", tensors: layers("model.layers.", 4), configuration: nil)
        let json = try json(
            """
            slices:
              - sources: [{model: \(shallow), layer_range: [0, 2]}]
              - sources: [{model: \(deep), layer_range: [2, 4]}]
            merge_method: passthrough
            """
        )
        #expect(json["num_hidden_layers"] == 4)
    }

    @Test(
        "what is left over of a quantisation is left out, and noted where it says anything",
        arguments: [
            ("{\"quantization_config\": {\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}}", 1),
            ("{\"quantization_config\": {}}", 1), ("{\"quantization_config\": null}", 0),
            ("{\"text_config\": {\"quantization_config\": {}}}", 1), ("{\"model_type\": \"m\"}", 0),
        ]
    )
    func leftoverQuantisation(_ configuration: String, _ notes: Int) throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers("model.layers.", 2),
            configuration: configuration
        )
        let plan = try MergeFixtures.plan(yaml: "models: [{model: \(model)}]\nmerge_method: passthrough\n")
        let json = try #require(try ResultConfiguration(of: plan).json)
        #expect(json["quantization_config"] == nil && json["text_config"]?["quantization_config"] == nil)
        #expect(plan.warnings.count { $0.contains("“quantization_config”") } == notes)
    }

    @Test("a language model that is described in a part of its own is resized there")
    func textConfiguration() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: ["model.language_model.embed_tokens.weight"] + layers("model.language_model.layers.", 4),
            configuration: """
                {"model_type": "m", "text_config": {"num_hidden_layers": 4, "layer_types": ["a", "b", "c", "d"],
                 "vocab_size": 9}, "vision_config": {"num_hidden_layers": 4}}
                """
        )
        let json = try json(slices(model))
        #expect(json["text_config"]?["num_hidden_layers"] == 6 && json["text_config"]?["vocab_size"] == 4)
        #expect(json["text_config"]?["layer_types"] == ["a", "b", "c", "b", "c", "d"])
        #expect(json["vision_config"]?["num_hidden_layers"] == 4 && json["num_hidden_layers"] == nil)
    }

    @Test("slices of a model with a tower for images are refused; whole ones merge and keep both counts")
    func towers() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "m",
            tensors: layers("language_model.model.layers.", 4) + layers("vision_tower.encoder.layers.", 6),
            configuration: """
                {"text_config": {"num_hidden_layers": 4}, "vision_config": {"num_hidden_layers": 6}}
                """
        )
        let error = #expect(throws: CollabError.self) { try MergeFixtures.plan(yaml: slices(model)) }
        #expect(
            error?.code == .unsupported && error?.message.contains("vision_tower.encoder.layers.") == true
        )
        let one = "slices: [{sources: [{model: \(model), layer_range: [0, 4]}]}]\nmerge_method: passthrough\n"
        #expect(throws: CollabError.self) { try MergeFixtures.plan(yaml: one) }
        let whole = try json("models: [{model: \(model)}]\nmerge_method: passthrough\n")
        #expect(whole["text_config"]?["num_hidden_layers"] == 4)
    }

    @Test(
        "a result with an output matrix of its own is tied to nothing, whether or not the donor says something"
    )
    func tying() throws {
        let scratch = try ScratchFolder()
        for (place, text) in ["{\"model_type\": \"m\"}", "{\"tie_word_embeddings\": true}"].enumerated() {
            let model = try scratch.model(
                "m\(place)",
                tensors: ["model.embed_tokens.weight", "lm_head.weight"],
                configuration: text
            )
            let json = try json("models: [{model: \(model)}]\nmerge_method: passthrough\n")
            #expect(json["tie_word_embeddings"] == false)
        }
    }

    @Test("lists the kinds of layers as they come to stand")
    func layerKinds() throws {
        let plan = try MergeFixtures.plan(
            yaml: """
                slices:
                  - sources: [{model: ../../models/gemma3, layer_range: [4, 6]}]
                  - sources: [{model: ../../models/gemma3, layer_range: [5, 7]}]
                  - sources: [{model: ../../models/gemma3, layer_range: [0, 1]}]
                merge_method: passthrough
                """
        )
        let json = try #require(try ResultConfiguration(of: plan).json)
        #expect(json["num_hidden_layers"] == 5)
        let kinds = json["layer_types"]?.arrayValue?.compactMap(\.stringValue)
        #expect(kinds?.map { $0.hasPrefix("full") } == [false, true, true, false, false])
    }
}
