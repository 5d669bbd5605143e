import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("What the parts of a merge contribute")
struct ContributionTests {
    private static let attention = "model.layers.0.self_attn.o_proj.weight"
    private static let down = "model.layers.0.mlp.down_proj.weight"

    private func changed(_ base: any Checkpoint, _ tensors: [String]) throws -> AdaptedCheckpoint {
        let updates = try tensors.map { tensor in
            let shape = try #require(base.description(of: tensor)).shape
            return try LowRankUpdate(
                tensor: tensor,
                scale: 0.5,
                rank: 1,
                a: (0..<shape[1]).map { Float($0 % 3) - 1 },
                b: (0..<shape[0]).map { Float($0 % 5) - 2 }
            )
        }
        return try AdaptedCheckpoint("merge", base: base, updates: updates)
    }

    @Test("without a part the merge is the merge of the other parts")
    func measured() async throws {
        let base = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/inputs/tok/base")
        let merge = try changed(base, [Self.attention, Self.down])
        let text = (0..<60).map { "pextra \($0) extra" }.joined(separator: "\n")
        let domains = [DomainText("numbers", text: text), DomainText("words", text: "extra pextra extra")]
        let options = NativeOptions(threads: 1, precision: .float, weightFormat: .float)
        var scored: [Int] = []
        let report = try await ContributionReport(
            of: merge,
            over: base,
            domains: domains,
            options: options
        ) { count, total in scored.append(10 * count + total) }
        #expect(scored == [14, 24, 34, 44])
        let places = report.parts.map(\.place)
        #expect(Set(places.map(\.name)) == ["attention", "feed-forward"])
        for (name, other) in [("attention", Self.down), ("feed-forward", Self.attention)] {
            let part = try #require(report.parts.first { $0.place.name == name })
            let alone = try await RetentionReport(
                of: changed(base, [other]),
                parents: [base, merge],
                domains: domains,
                options: options
            )
            for (index, domain) in alone.domains.enumerated() {
                #expect(report.domains[index].bits == Array(domain.bits.prefix(2)))
                #expect(part.bits[index] == domain.bits[2])
                let wanted = domain.bitsPerByte(of: 2) - domain.bitsPerByte(of: 1)
                #expect(abs(report.contribution(of: part, to: index).estimate - wanted) < 1e-12)
                #expect(wanted != 0)
            }
        }
        let error = await #expect(throws: CollabError.self) {
            try await ContributionReport(of: base, over: base, domains: domains, options: options)
        }
        #expect(error?.code == .tensorMismatch)
    }

    @Test("figures, table and drawing, by hand")
    func figures() {
        let domain = RetentionReport.Domain(name: "a<b", bytes: [10, 30], bits: [[20, 60], [10, 30]])
        let report = ContributionReport(
            base: "b",
            merge: "m",
            domains: [domain],
            parts: [
                .init(place: TensorModule(layer: 0, name: "attention"), bits: [[12, 34]]),
                .init(place: TensorModule(layer: 1, name: "attention"), bits: [[9, 29]]),
                .init(place: TensorModule(layer: nil, name: "lm_head"), bits: [[10, 30]]),
            ]
        )
        // 46 bits over 40 bytes against 40, and 38 against 40.
        #expect(abs(report.contribution(of: report.parts[0], to: 0).estimate - 0.15) < 1e-12)
        #expect(abs(report.contribution(of: report.parts[1], to: 0).estimate + 0.05) < 1e-12)
        let lines = report.description.split(separator: "\n")
        #expect(lines[2] == "(base)       2.0000")
        #expect(lines[4].hasPrefix("0 attention  0.1500 (") && lines[5].hasPrefix("1 attention  −0.0500 ("))
        let svg = report.heatMap(of: 0)
        #expect(svg.contains("a&lt;b") && svg.contains("attention, layer 1: −0.0500"))
        // The background, three parts, and eleven steps of the scale.
        #expect(svg.components(separatedBy: "<rect ").count - 1 == 15)
    }

    @Test(
        "tensors are sorted into parts by the names of both file formats",
        arguments: [
            ("model.layers.3.self_attn.q_proj.weight", "attention"),
            ("model.layers.3.post_attention_layernorm.weight", "norms"),
            ("model.layers.3.mlp.up_proj.weight", "feed-forward"), ("blk.3.ffn_down.weight", "feed-forward"),
            ("blk.3.attn_norm.weight", "norms"), ("blk.3.attn_q.weight", "attention"),
        ]
    )
    func parts(_ tensor: String, _ block: String) {
        #expect(ContributionReport.Grain.block.part(of: tensor) == TensorModule(layer: 3, name: block))
        #expect(ContributionReport.Grain.layer.part(of: tensor) == TensorModule(layer: 3, name: "layer"))
        #expect(ContributionReport.Grain.module.part(of: tensor) == TensorModule(tensor: tensor))
        #expect(ContributionReport.Grain.layer.part(of: "lm_head.weight").layer == nil)
    }
}
