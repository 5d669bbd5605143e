import Collab
import CollabBackends
import Testing

@testable import CollabMerging

@Suite("Every tensor belongs to one of the modules that a configuration lists")
struct ModuleNamesTests {
    private func owners(_ names: [String?], _ tensors: [String]) throws -> ModuleTensors {
        let tensors = tensors.map { TensorDescription(name: $0, shape: [1], format: .f32) }
        return try ModuleTensors(names, of: "m", tensors)
    }

    private func owned(_ names: [String], _ tensors: [String]) throws -> [String: [String]] {
        let owners = try owners(names, tensors)
        var found: [String: [String]] = [:]
        for (place, name) in names.enumerated() { found[name] = tensors.filter { owners.owns($0, place) } }
        return found
    }

    @Test("what a module does tells its tensors, in the names of several architectures")
    func uses() throws {
        let names = ["text_decoder", "vision_tower", "multi_modal_projector"]
        let gemma = try owned(names, VisionModels.gemma)
        #expect(gemma["text_decoder"]?.allSatisfy { $0.hasPrefix("language_model.") } == true)
        #expect(gemma["text_decoder"]?.count == 6 && gemma["vision_tower"]?.count == 5)
        let qwen = try owned(names, VisionModels.qwen)
        #expect(qwen["text_decoder"]?.count == 7 && qwen["text_decoder"]?.contains("lm_head.weight") == true)
        #expect(qwen["vision_tower"]?.count == 4)
        #expect(
            qwen["multi_modal_projector"] == [
                "model.visual.merger.norm.weight", "model.visual.deepstack_merger_list.0.norm.weight",
            ]
        )
        let older = [
            "model.embed_tokens.weight", "model.layers.0.a.weight", "lm_head.weight",
            "visual.blocks.0.a.weight",
            "visual.merger.mlp.0.weight", "visual.merger.mlp.2.weight",
        ]
        #expect(try owned(names, older).mapValues(\.count) == [names[0]: 3, names[1]: 1, names[2]: 2])
        let llama = [
            "language_model.model.layers.0.a.weight", "vision_model.model.layers.0.a.weight",
            "vision_model.vision_adapter.mlp.fc1.weight", "multi_modal_projector.linear_1.weight",
        ]
        let found = try owned(["text_decoder", "vision_model", "multi_modal_projector"], llama)
        #expect(found["vision_model"]?.count == 2)
    }

    @Test("encoder, decoder and what they share are told apart, the output matrix with the embeddings")
    func encoderDecoder() throws {
        let found = try owned(["encoder", "decoder", "shared"], VisionModels.encoderDecoder)
        #expect(found["encoder"]?.count == 4 && found["decoder"]?.count == 3)
        #expect(found["shared"] == ["shared.weight", "lm_head.weight"])
        let whisper = [
            "model.encoder.layers.0.a.weight", "model.decoder.layers.0.a.weight", "proj_out.weight",
        ]
        #expect(
            try owned(["encoder", "decoder"], whisper).mapValues(\.count) == ["encoder": 1, "decoder": 2]
        )
    }

    @Test("experts for images in the layers of a language model are of the language model")
    func expertsForImages() throws {
        let tensors = ["model.layers.0.mlp.vision_mlp.up_proj.weight", "model.vision.layers.0.a.weight"]
        let found = try owned(["text_decoder", "vision_tower"], tensors)
        #expect(found["text_decoder"] == [tensors[0]])
    }

    @Test("the rest is what no other module has")
    func rest() throws {
        let found = try owned(["vision_tower", "default"], VisionModels.gemma)
        #expect(found["vision_tower"]?.count == 5 && found["default"]?.count == 7)
        let stack = try owned(["model.visual.blocks", "default"], VisionModels.qwen)
        #expect(stack["model.visual.blocks"]?.count == 3)
    }

    @Test("one module has everything, whatever it is called, where a model has one stack of layers")
    func one() throws {
        for name in [nil, "default", "text_decoder", "anything"] {
            let owners = try owners([name], ["model.embed_tokens.weight", "model.layers.0.a.weight"])
            #expect(owners.owns("model.embed_tokens.weight", 0) && owners.owns("model.layers.0.a.weight", 0))
        }
        for name in [nil, "default"] {
            let owners = try owners([name], VisionModels.gemma)
            #expect(VisionModels.gemma.allSatisfy { owners.owns($0, 0) })
        }
    }

    @Test(
        "a tensor of none or of two, and a module that is not there, are errors that name those that are",
        arguments: [
            (["text_decoder", "vision_tower"], "list multi_modal_projector too"),
            (["text_decoder"], "list multi_modal_projector, vision_tower too"),
            (
                ["language_model.model.layers", "default", "text_decoder"],
                "“language_model.model.layers” and “text_decoder”"
            ),
            (["language_model.model.layers"], "list default, vision_tower.vision_model.encoder.layers too"),
            (["text_decodr", "default"], "no module “text_decodr”"),
            (["encoder", "default"], "no module “encoder”"),
            (["anything"], "no module “anything”"),
            (["text_decoder", "vision_tower", "multi_modal_projector", "default"], "no module “default”"),
        ]
    )
    func errors(_ names: [String], _ complaint: String) throws {
        let error = #expect(throws: CollabError.self) { try owners(names, VisionModels.gemma) }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains(complaint) == true, "\(error?.message ?? "")")
        let known =
            "text_decoder, multi_modal_projector, vision_tower, language_model.model.layers, "
            + "vision_tower.vision_model.encoder.layers, default"
        #expect(error?.message.contains(known) == true)
    }

    @Test("slices of everything say which modules there are; beside several modules they are an error")
    func slices() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model("m", tensors: VisionModels.gemma, configuration: nil)
        let slices =
            "slices: [{sources: [{model: \(model), layer_range: [0, 2]}]}]\nmerge_method: passthrough\n"
        let error = #expect(throws: CollabError.self) { try MergeFixtures.plan(yaml: slices) }
        #expect(error?.code == .unsupported && error?.message.contains("text_decoder") == true)
        let beside = "modules: {text_decoder: {parameters: {scale: 1}}, default: {parameters: {scale: 2}}}\n"
        let other = #expect(throws: CollabError.self) { try MergeFixtures.plan(yaml: beside + slices) }
        #expect(other?.message.contains("beside several modules") == true)
    }

    @Test("layers that a module has not are refused, however many another has")
    func layersBeyond() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.model("m", tensors: VisionModels.gemma, configuration: nil)
        let yaml = """
            modules:
              vision_tower: {slices: [{sources: [{model: \(model), layer_range: [0, 4]}]}]}
              default: {models: [{model: \(model)}]}
            merge_method: passthrough
            """
        let error = #expect(throws: CollabError.self) { try MergeFixtures.plan(yaml: yaml) }
        #expect(error?.message.contains("3 layers in “vision_tower”") == true)
    }

    @Test("who counts the parts of a projector that have weights means all of them")
    func projectorParts() throws {
        let scratch = try ScratchFolder()
        let tensors = [
            "model.layers.0.a.weight", "model.layers.1.a.weight", "visual.blocks.0.a.weight",
            "visual.merger.mlp.0.weight", "visual.merger.mlp.2.weight",
        ]
        let model = try scratch.model("m", tensors: tensors, configuration: nil)
        let yaml = """
            modules:
              text_decoder: {models: [{model: \(model)}]}
              vision_tower: {models: [{model: \(model)}]}
              multi_modal_projector: {slices: [{sources: [{model: \(model), layer_range: [0, 2]}]}]}
            merge_method: passthrough
            """
        #expect(try MergeFixtures.plan(yaml: yaml).tensors.map(\.name).sorted() == tensors.sorted())
    }
}
