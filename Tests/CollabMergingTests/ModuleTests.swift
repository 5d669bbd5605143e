import Collab
import CollabBackends
import Testing

@testable import CollabMerging

@Suite("Modules are merged each by itself")
struct ModuleTests {
    private let text = "language_model.model.layers."
    private let vision = "vision_tower.vision_model.encoder.layers."

    private let counts = """
        {"text_config": {"num_hidden_layers": 4, "layer_types": ["a", "b", "c", "d"]},
         "vision_config": {"num_hidden_layers": 3}}
        """

    /// Whether a tensor of the result is a model's tensor a number of times.
    private func isScaled(
        _ plan: MergePlan,
        _ tensor: String,
        _ model: String,
        _ original: String,
        by factor: Float
    ) throws -> Bool {
        let stored = try SafetensorsCheckpoint(path: model).values(of: original)
        return try plan.result.values(of: tensor) == stored.map { factor * $0 }
    }

    private func layer(_ stack: String, _ number: Int) -> String { "\(stack)\(number).mlp.up_proj.weight" }

    /// A merge of every kind of module, as mergekit 0.1.5 takes it too.
    private func configuration(_ first: String, _ second: String, names: [String]) -> String {
        """
        modules:
          \(names[0]):
            slices:
              - sources: [{model: \(first), layer_range: [0, 3], parameters: {weight: [1, 3]}}]
              - sources: [{model: \(second), layer_range: [1, 4]}]
            parameters: {weight: 2}
          \(names[1]):
            slices:
              - sources: [{model: \(first), layer_range: [0, 2]}]
              - sources: [{model: \(second), layer_range: [1, 3]}]
                parameters: {weight: [0, 1]}
          \(names[2]):
            models: [{model: \(first), parameters: {weight: 0.5}}, {model: \(second)}]
        merge_method: linear
        parameters: {normalize: false, weight: 4}
        """
    }

    private func models(_ scratch: ScratchFolder) throws -> (String, String) {
        (
            try scratch.model("a", tensors: VisionModels.gemma, configuration: counts, from: 1),
            try scratch.model("b", tensors: VisionModels.gemma, configuration: counts, from: 1001)
        )
    }

    @Test(
        "each stacks its own layers, with the parameters that stand nearest and gradients of its own slices"
    )
    func stacks() throws {
        let scratch = try ScratchFolder()
        let (first, second) = try models(scratch)
        let plan = try MergeFixtures.plan(
            yaml: configuration(
                first,
                second,
                names: ["text_decoder", "vision_tower", "multi_modal_projector"]
            )
        )
        #expect(plan.tensors.count == VisionModels.gemma.count + 2 + 1)
        // What mergekit 0.1.5 gives for this configuration.
        let texts: [(layer: Int, factor: Float, model: String, original: Int)] = [
            (0, 1, first, 0), (1, 2, first, 1), (2, 3, first, 2), (3, 2, second, 1), (4, 2, second, 2),
            (5, 2, second, 3),
        ]
        for (number, factor, model, original) in texts {
            let (new, old) = (layer(text, number), layer(text, original))
            #expect(try isScaled(plan, new, model, old, by: factor), "layer \(number) for text")
        }
        let images: [(layer: Int, factor: Float, model: String, original: Int)] = [
            (0, 4, first, 0), (1, 4, first, 1), (2, 0, second, 1), (3, 1, second, 2),
        ]
        for (number, factor, model, original) in images {
            let (new, old) = (layer(vision, number), layer(vision, original))
            #expect(try isScaled(plan, new, model, old, by: factor), "layer \(number) for images")
        }
        let outside: [(tensor: String, factor: Float, model: String)] = [
            ("language_model.model.embed_tokens.weight", 1, first),
            ("language_model.model.norm.weight", 2, second),
            ("vision_tower.vision_model.embeddings.patch_embedding.weight", 4, first),
            ("vision_tower.vision_model.post_layernorm.weight", 0, second),
        ]
        for (tensor, factor, model) in outside {
            #expect(try isScaled(plan, tensor, model, tensor, by: factor), "\(tensor)")
        }
        let projector = "multi_modal_projector.mm_input_projection_weight"
        let parts = try [first, second].map { try SafetensorsCheckpoint(path: $0).values(of: projector) }
        #expect(try plan.result.values(of: projector) == zip(parts[0], parts[1]).map { 0.5 * $0 + 4 * $1 })
    }

    @Test(
        "a module may be called by what it does or by the stack of its layers, in any version of transformers"
    )
    func names() throws {
        let scratch = try ScratchFolder()
        let (first, second) = try models(scratch)
        func values(_ names: [String]) throws -> [String: [Float]] {
            let plan = try MergeFixtures.plan(yaml: configuration(first, second, names: names))
            return try Dictionary(
                uniqueKeysWithValues: plan.tensors.map { ($0.name, try plan.result.values(of: $0.name)) }
            )
        }
        let byStack = try values([String(text.dropLast()), String(vision.dropLast()), "default"])
        let byOther = try values([
            "model.language_model.layers", "model.vision_tower.encoder.layers", "default",
        ])
        let byUse = try values(["text_decoder", "vision_tower", "multi_modal_projector"])
        #expect(byStack == byOther && Set(byStack.keys) == Set(byUse.keys))
        let layered = byStack.filter { TensorPlace($0.key) != .beforeLayers && $0.key.contains("layers.") }
        #expect(layered.count == 10 && layered.allSatisfy { byUse[$0.key] == $0.value })
        // What stands outside of layers is then of the rest, which is merged as the configuration says of that.
        let embeddings = "language_model.model.embed_tokens.weight"
        #expect(byStack[embeddings] != byUse[embeddings])
    }

    @Test("the configuration counts each module's layers where it says them")
    func counted() throws {
        let scratch = try ScratchFolder()
        let (first, second) = try models(scratch)
        for names in [
            ["text_decoder", "vision_tower", "multi_modal_projector"],
            [String(text.dropLast()), String(vision.dropLast()), "default"],
        ] {
            let plan = try MergeFixtures.plan(yaml: configuration(first, second, names: names))
            let json = try #require(try ResultConfiguration(of: plan).json)
            #expect(json["text_config"]?["num_hidden_layers"] == 6 && plan.layerCount == 6)
            #expect(json["text_config"]?["layer_types"] == ["a", "b", "c", "b", "c", "d"])
            #expect(json["vision_config"]?["num_hidden_layers"] == 4 && json["num_hidden_layers"] == nil)
        }
    }

    @Test("a tower's depth is counted, and text where nothing is divided; what has not changed is left")
    func depth() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model(
            "q",
            tensors: VisionModels.qwen,
            configuration: """
                {"num_hidden_layers": 44,
                 "vision_config": {"depth": 3, "deepstack_visual_indexes": [0, 1]}}
                """
        )
        func json(_ text: String, _ vision: String) throws -> JSONValue {
            let plan = try MergeFixtures.plan(
                yaml: """
                    modules:
                      text_decoder: {\(text)}
                      vision_tower: {\(vision)}
                      multi_modal_projector: {models: [{model: \(model)}]}
                    merge_method: passthrough
                    """
            )
            return try #require(try ResultConfiguration(of: plan).json)
        }
        let whole = "models: [{model: \(model)}]"
        let some = "slices: [{sources: [{model: \(model), layer_range: [0, 2]}]}]"
        let fewerForImages = try json(whole, some)
        #expect(fewerForImages["vision_config"]?["depth"] == 2 && fewerForImages["num_hidden_layers"] == 44)
        #expect(fewerForImages["vision_config"]?["deepstack_visual_indexes"] == [0, 1])
        let fewerForText = try json(some, whole)
        #expect(fewerForText["vision_config"]?["depth"] == 3 && fewerForText["num_hidden_layers"] == 2)
    }

    @Test(
        "layers that read and layers that write are counted apart",
        arguments: [
            ("{\"num_layers\": 3}", "num_layers", "num_decoder_layers", 3),
            ("{\"encoder_layers\": 3, \"decoder_layers\": 2}", "encoder_layers", "decoder_layers", 2),
        ]
    )
    func encoderDecoder(_ text: String, _ encoder: String, _ decoder: String, _ unchanged: Int) throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model("t5", tensors: VisionModels.encoderDecoder, configuration: text)
        let plan = try MergeFixtures.plan(
            yaml: """
                modules:
                  encoder:
                    slices:
                      - sources: [{model: \(model), layer_range: [0, 3]}]
                      - sources: [{model: \(model), layer_range: [1, 3]}]
                  decoder: {models: [{model: \(model)}]}
                  shared: {models: [{model: \(model)}]}
                merge_method: passthrough
                """
        )
        let json = try #require(try ResultConfiguration(of: plan).json)
        #expect(json[encoder]?.intValue == 5 && json[decoder]?.intValue == unchanged)
    }

    @Test("models that stand beside the modules are those of each that lists none itself")
    func modelsBeside() throws {
        let scratch = try ScratchFolder()
        let (model, _) = try models(scratch)
        let plan = try MergeFixtures.plan(
            yaml: """
                models: [{model: \(model)}]
                modules:
                  text_decoder: {parameters: {scale: 2}}
                  default: {parameters: {scale: 3}}
                merge_method: passthrough
                """
        )
        #expect(try isScaled(plan, layer(text, 3), model, layer(text, 3), by: 2))
        #expect(try isScaled(plan, layer(vision, 2), model, layer(vision, 2), by: 3))
    }

    @Test("in whole models, too, a gradient runs to 1 in every stack")
    func gradients() throws {
        let scratch = try ScratchFolder()
        let (first, _) = try models(scratch)
        let plan = try MergeFixtures.plan(
            yaml: """
                models: [{model: \(first), parameters: {weight: [0, 1]}}]
                merge_method: linear
                parameters: {normalize: false}
                """
        )
        #expect(plan.tensors.map(\.name).sorted() == VisionModels.gemma.sorted())
        for (stack, count) in [(text, 4), (vision, 3)] {
            let (lowest, highest) = (layer(stack, 0), layer(stack, count - 1))
            #expect(try isScaled(plan, lowest, first, lowest, by: 0))
            #expect(try isScaled(plan, highest, first, highest, by: 1))
        }
        #expect(try isScaled(plan, layer(vision, 1), first, layer(vision, 1), by: 0.5))
    }
}
