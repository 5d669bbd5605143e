import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Configurations as people have them are read, and what makes no sense in them is said")
struct ConfigurationDialectTests {
    private static let members = "[{model: inputs/fp32/ftA}, {model: inputs/fp32/ftB}]"

    private static let whole = "models: [{model: inputs/fp32/ftA}]\nmerge_method: passthrough\n"

    private func file(_ yaml: String) throws -> MergeFile {
        try MergeFile(yaml: yaml, source: "config.yml", relativeTo: MergeFixtures.folder)
    }

    private func document(_ yaml: String) throws -> MergeDocument {
        try #require(try MergeDocument.documents(yaml: yaml, source: "config.yml").first)
    }

    private func complaint(about yaml: String) -> CollabError? {
        do {
            _ = try MergeFixtures.plan(yaml: yaml)
            return nil
        } catch {
            return error as? CollabError
        }
    }

    @Test(
        "0 and 1 are truth values where one is meant, other numbers are not",
        arguments: [
            ("1", true), ("1.0", true), ("0", false), ("0.0", false), ("true", true), ("\"true\"", true),
            ("2", nil), ("-1", nil), ("\"1\"", nil), ("nan", nil),
        ]
    )
    func flags(_ text: String, _ wanted: Bool?) throws {
        let yaml = """
            models: \(Self.members)
            merge_method: ties
            base_model: inputs/fp32/base
            parameters: {weight: 1, normalize: \(text), int8_mask: \(text)}
            """
        guard let wanted else {
            #expect(throws: CollabError.self) { try document(yaml) }
            return
        }
        let read = try document(yaml)
        for key in ["normalize", "int8_mask"] {
            #expect(read.parameters[key]?.value(for: "", depth: 0) == .flag(wanted))
        }
    }

    @Test("a mapping takes over what stands under its merge key, and what it says itself counts before that")
    func mergeKeys() throws {
        let read = try document(
            """
            models:
              - model: a
                parameters: &first {weight: 0.25, density: 0.5}
              - model: b
                parameters: &second {weight: 0.75, gamma: 0.1}
              - model: c
                parameters:
                  <<: *first
                  weight: 2
              - model: d
                parameters:
                  <<: [*second, *first]
            merge_method: breadcrumbs
            base_model: base
            """
        )
        func value(_ place: Int, _ key: String) -> Setting? {
            read.slices[0].sources[place].parameters[key]?.value(for: "", depth: 0)
        }
        #expect(value(2, "weight") == .number(2) && value(2, "density") == .number(0.5))
        #expect(value(3, "weight") == .number(0.75) && value(3, "density") == .number(0.5))
        #expect(value(3, "gamma") == .number(0.1))
        #expect(throws: CollabError.self) {
            try document("models: [{model: a, parameters: {<<: 3}}]\nmerge_method: linear\n")
        }
    }

    @Test("a byte-order mark in front says nothing, and types may be spelt as in PyTorch")
    func spellings() throws {
        let yaml =
            "\u{FEFF}models: [{model: a}]\nmerge_method: passthrough\ndtype: torch.bfloat16\nout_dtype: torch.float32\n"
        let read = try document(yaml)
        #expect(read.format == .bf16 && read.outputFormat == .f32)
        #expect(throws: CollabError.self) {
            try document(yaml.replacingOccurrences(of: "bfloat16", with: "int8"))
        }
    }

    @Test(
        "of several results none is written into a folder whose name has a path",
        arguments: ["../../esc", "a/b", "/a", "..", ".", "\"\"", "'a\\b'"]
    )
    func names(_ name: String) throws {
        let error = try #require(complaint(about: "name: \(name)\n" + Self.whole + "---\n" + Self.whole))
        #expect(error.code == .malformedFile && error.message.contains("config.yml"))
    }

    @Test(
        "a document on its own may be called like a model of a hub, even one that it merges",
        arguments: ["org/model", "../model", "inputs/fp32/ftA"]
    )
    func pathAsName(_ name: String) throws {
        let file = try file("name: \(name)\n" + Self.whole)
        #expect(file.stages.map(\.plan.document.name) == [name])
    }

    @Test("so may a document that another uses, since it is not written")
    func pathAsNameOfUsed() throws {
        let file = try file(
            "name: org/half\n" + Self.whole + "---\nmodels: [{model: org/half}]\nmerge_method: passthrough\n"
        )
        #expect(file.stages.count == 1)
    }

    @Test("two documents do not end in one folder")
    func folders() throws {
        #expect(complaint(about: "name: merge\n" + Self.whole + "---\n" + Self.whole)?.code == .malformedFile)
        let file = try file("name: other\n" + Self.whole + "---\n" + Self.whole)
        #expect(file.stages.map(\.folderName) == ["other", "merge"])
    }

    @Test("a document that another uses has no folder, so that its name may be that of the unnamed one's")
    func usedMerge() throws {
        let user = "models: [{model: merge}]\nmerge_method: passthrough\n"
        let file = try file("name: merge\n" + Self.whole + "---\n" + user)
        #expect(file.stages.map(\.folderName) == ["merge"])
        #expect(file.stages[0].plan.document.name == nil)
    }

    @Test("a base is listed once in a slice")
    func bases() throws {
        let yaml = """
            slices:
              - sources:
                - {model: inputs/fp32/base, layer_range: [0, 1]}
                - {model: inputs/fp32/base, layer_range: [1, 2], parameters: {weight: 1}}
                - {model: inputs/fp32/ftA, layer_range: [1, 2], parameters: {weight: 0.5}}
            merge_method: task_arithmetic
            base_model: inputs/fp32/base
            """
        let error = try #require(complaint(about: yaml))
        #expect(error.code == .invalidRequest && error.message.contains("2 times"))
        let slerp = """
            slices:
              - sources:
                - {model: inputs/fp32/base, layer_range: [0, 1]}
                - {model: inputs/fp32/base, layer_range: [1, 2]}
            merge_method: slerp
            base_model: inputs/fp32/base
            parameters: {t: 0.5}
            """
        #expect(complaint(about: slerp) == nil, "two layers of one model have a middle")
    }

    @Test("a base that is not listed is a member beside whole models, and none where slices list theirs")
    func unlistedBase() throws {
        let end = """
            merge_method: linear
            base_model: inputs/fp32/base
            parameters: {normalize: false, weight: 1}
            """
        let norm = "model.layers.0.input_layernorm.weight"
        func values(_ yaml: String) throws -> [Float] {
            try MergeFixtures.plan(yaml: yaml + end).result.values(of: norm)
        }
        let slices = try values("slices: [{sources: [{model: inputs/fp32/ftA, layer_range: [0, 1]}]}]\n")
        let whole = try values("models: [{model: inputs/fp32/ftA}]\n")
        let own = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/inputs/fp32/ftA").values(of: norm)
        #expect(slices == own && whole != own)
    }

    @Test("a token's number is none below 0")
    func tokens() throws {
        let yaml = """
            models: [{model: inputs/tok/perm, parameters: {weight: 1}}, {model: inputs/tok/ext, parameters: {weight: 1}}]
            merge_method: linear
            tokenizer: {source: union, tokens: {"<new>": {source: {kind: model_token, model: inputs/tok/ext, token_id: -1}}}}
            """
        #expect(complaint(about: yaml)?.message.contains("token_id is -1") == true)
        #expect(complaint(about: yaml.replacingOccurrences(of: "-1", with: "1")) == nil)
    }

    @Test("a filter that occurs in no tensor's name is noted, wherever it stands")
    func filters() throws {
        let plan = try MergeFixtures.plan(
            yaml: """
                models:
                  - model: inputs/fp32/ftA
                    parameters: {weight: [{filter: mpl, value: 1}, {filter: mlp, value: 1}, {filter: "*", value: 0.3}]}
                  - model: inputs/fp32/ftB
                    parameters: {weight: 0.5}
                merge_method: linear
                parameters: {normalize: [{filter: self_atn, value: false}, {value: true}]}
                """
        )
        #expect(plan.warnings.contains { $0.contains("“mpl”") && $0.contains("“weight”") })
        #expect(plan.warnings.contains { $0.contains("“self_atn”") })
        #expect(plan.warnings.count == 2, "\(plan.warnings)")
    }

    @Test("a donor without config.json is noted")
    func configuration() throws {
        let scratch = try ScratchFolder()
        for (configuration, count) in [(nil, 1), ("{\"model_type\": \"llama\"}", 0)] as [(String?, Int)] {
            let model = try scratch.model(
                "m\(count)",
                tensors: ["model.norm.weight"],
                configuration: configuration
            )
            let plan = try MergeFixtures.plan(
                yaml: "models: [{model: \(model)}]\nmerge_method: passthrough\n"
            )
            #expect(plan.warnings.count { $0.contains("config.json") } == count)
        }
    }

    @Test("weights that sum to 0 are an error where they are divided by their sum, and else as in mergekit")
    func zeroSums() throws {
        func merge(_ method: String) -> String {
            """
            models:
              - {model: inputs/fp32/ftA, parameters: {weight: 1}}
              - {model: inputs/fp32/ftB, parameters: {weight: -1}}
            merge_method: \(method)
            """
        }
        for method in ["linear", "multislerp"] {
            #expect(complaint(about: merge(method))?.message.contains("sum to 0") == true)
        }
        let task = merge("task_arithmetic") + "\nbase_model: inputs/fp32/base\n"
        let plain = try MergeFixtures.plan(yaml: task)
        let normalised = try MergeFixtures.plan(yaml: task + "parameters: {normalize: true}\n")
        let tensor = "model.layers.0.mlp.up_proj.weight"
        #expect(try plain.result.values(of: tensor) == normalised.result.values(of: tensor), "divided by 1")
        let turned = try MergeFixtures.plan(yaml: merge("nuslerp")).result.values(of: tensor)
        let middle = try MergeFixtures.plan(
            yaml: merge("nuslerp").replacingOccurrences(of: "-1", with: "1")
        ).result.values(of: tensor)
        #expect(turned == middle, "half of the way")
    }
}
