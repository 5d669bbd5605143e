import Collab
import CollabBackends
import Testing

@testable import CollabMerging

@Suite("Which of a configuration's values counts for a tensor")
struct ParameterScopeTests {
    private let norm = "model.layers.0.input_layernorm.weight"

    /// By how much a tensor of the result is larger than the first source's tensor of a name, to a thousandth.
    private func factor(_ plan: MergePlan, _ tensor: String, over original: String) throws -> Float {
        let stored = try plan.inputs[0].values(of: original)
        let place = try #require(stored.firstIndex { $0 != 0 })
        let ratio = try plan.result.values(of: tensor)[place] / stored[place]
        return (1000 * ratio).rounded() / 1000
    }

    /// A slice of one model with scales in some of four scopes.
    private func plan(own: Double?, slice: Double?, module: Double?, document: Double?) throws -> MergePlan {
        func parameters(_ scale: Double?, _ indentation: Int) -> String {
            scale.map { String(repeating: " ", count: indentation) + "parameters: {scale: \($0)}\n" } ?? ""
        }
        let own = own.map { ", parameters: {scale: \($0)}" } ?? ""
        return try MergeFixtures.plan(
            yaml: """
                modules:
                  default:
                    slices:
                      - sources: [{model: inputs/fp32/base, layer_range: [0, 1]\(own)}]
                \(parameters(slice, 8))\(parameters(module, 4))\(parameters(document, 0))\
                merge_method: passthrough
                """
        )
    }

    @Test("the source's before the slice's, before the module's, before the document's")
    func precedence() throws {
        let values: [(own: Double?, slice: Double?, module: Double?, document: Double?, wanted: Float)] = [
            (2, 3, 4, 5, 2), (nil, 3, 4, 5, 3), (nil, nil, 4, 5, 4), (nil, nil, nil, 5, 5),
            (nil, nil, nil, nil, 1), (nil, 3, nil, 5, 3), (2, nil, nil, 5, 2),
        ]
        for value in values {
            let plan = try plan(
                own: value.own,
                slice: value.slice,
                module: value.module,
                document: value.document
            )
            #expect(try factor(plan, norm, over: norm) == value.wanted)
        }
    }

    @Test("a source's filters look at the tensor's name in that source, not at where it comes to stand")
    func originalNames() throws {
        let plan = try MergeFixtures.plan(
            yaml: """
                slices:
                  - sources:
                      - model: inputs/fp32/base
                        layer_range: [2, 3]
                        parameters: {scale: [{filter: layers.2., value: 3}, {filter: layers.0., value: 5}]}
                merge_method: passthrough
                """
        )
        let original = "model.layers.2.input_layernorm.weight"
        #expect(try factor(plan, norm, over: original) == 3)
    }

    @Test("a filter of a star is for all tensors, as none is, and the first that fits counts")
    func star() throws {
        let plan = try MergeFixtures.plan(
            yaml: """
                models:
                  - model: inputs/fp32/base
                    parameters:
                      scale: [{filter: self_attn, value: 2}, {filter: "*", value: 3}, {value: 4}]
                merge_method: passthrough
                """
        )
        let query = "model.layers.1.self_attn.q_proj.weight"
        #expect(try factor(plan, query, over: query) == 2)
        #expect(try factor(plan, norm, over: norm) == 3)
        #expect(try factor(plan, "model.norm.weight", over: "model.norm.weight") == 3)
    }
}
