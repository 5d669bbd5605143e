import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("What a merge will do and has done")
struct MeasuringTests {
    @Test("interference is measured from the configuration's base")
    func interference() async throws {
        let plan = try MergeFixtures.plan(yaml: Self.ties)
        let report = try await plan.interference()
        #expect(report.members.count == 2)
        #expect(report.total.mass > 0)
        #expect((0...1).contains(report.total.signConflict))
        let layered = report.layers.map(\.layer)
        #expect(layered == Array(0..<plan.layerCount))
        let linear =
            "models: [{model: inputs/fp32/ftA}, {model: inputs/fp32/ftB}]\nmerge_method: linear\nparameters: {weight: 1}"
        let error = await #expect(throws: CollabError.self) {
            try await MergeFixtures.plan(yaml: linear).interference()
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("--base") == true)
    }

    @Test("interference is measured from a base that the caller names, for configurations without one")
    func namedBase() async throws {
        func report(_ yaml: String, _ base: String) async throws -> InterferenceReport {
            try await MergeFixtures.plan(yaml: yaml)
                .interference(from: ModelReference(path: base), relativeTo: MergeFixtures.folder)
        }
        let expected = try await MergeFixtures.plan(yaml: Self.ties).interference()
        let models = "models: [{model: inputs/fp32/ftA}, {model: inputs/fp32/ftB}]\n"
        let linear = "merge_method: linear\nparameters: {weight: 1}\n"
        let outside = try await report(models + linear, "inputs/fp32/base")
        #expect(outside.members == expected.members && outside.total == expected.total)
        // One of the models is no member when it is measured from.
        let all = models.replacing("[", with: "[{model: inputs/fp32/base}, ")
        let inside = try await report(all + linear, "inputs/fp32/base")
        #expect(inside.members == expected.members && inside.total == expected.total)
        // Nor is the base of a method that measures from its own.
        let other = try await report(Self.ties, "inputs/fp32/ftC")
        #expect(other.members == expected.members && other.total != expected.total)
        let error = await #expect(throws: CollabError.self) {
            try await report(models + linear, "inputs/none")
        }
        #expect(error?.code == .fileNotFound)
    }

    @Test("a merge is compared with its parents, passage by passage, and with itself it loses nothing")
    func retention() async throws {
        let checkpoint = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/inputs/tok/base")
        let text = (0..<200).map { "pextra \($0) extra" }.joined(separator: "\n")
        let domains = [DomainText("numbers", text: text), DomainText("words", text: "extra pextra extra")]
        let options = NativeOptions(threads: 1, precision: .float)
        let report = try await RetentionReport(
            of: checkpoint,
            parents: [checkpoint],
            domains: domains,
            options: options
        )
        #expect(report.domains[0].bytes.count == domains[0].passages.count)
        #expect(report.domains[0].bits.count == 2)
        for domain in report.domains {
            #expect(domain.bitsPerByte(of: 0) > 0)
            let loss = report.loss(in: domain)
            #expect((loss.estimate, loss.lower, loss.upper) == (0, 0, 0))
        }
        #expect(report.failures(allowing: 0).isEmpty)
        // The bits of a passage are those of its tokens' log-probabilities.
        let model = try await NativeModel(checkpoint: checkpoint, options: options)
        let tokens = try model.promptTokens(for: .completion(domains[1].passages[0]))
        let bits = try await model.logprobs(of: tokens).reduce(0, +) / -0.693_147_180_559_945_3
        #expect(abs(report.domains[1].bits[0][0] - bits) < 1e-9)
    }

    @Test("a domain fails by the share that it lost against its best parent")
    func failures() {
        let domain = RetentionReport.Domain(
            name: "d",
            bytes: [10, 30],
            bits: [[20, 20], [5, 35], [12, 29]]
        )
        let report = RetentionReport(parents: ["a", "b"], merge: "m", domains: [domain])
        // 1.0 bits a byte for both parents, of which the first counts; 1.025 for the merge.
        #expect(report.bestParent(in: domain) == 0)
        #expect(abs(report.loss(in: domain).estimate - 0.025) < 1e-12)
        #expect(report.failures(allowing: 0.02).map(\.name) == ["d"])
        #expect(report.failures(allowing: 0.03).isEmpty)
        #expect(report.description.contains("1.0250"))
        var broken = report
        broken.domains[0].bits[2][0] = .nan
        #expect(broken.failures(allowing: 10).count == 1)
    }

    @Test("texts are cut at lines, else at words, else in words, and nothing is lost but white space")
    func passages() {
        let lines = (0..<100).map { "line \($0) of a text" }.joined(separator: "\n")
        let cut = DomainText("d", text: lines)
        #expect(cut.passages.count > 1)
        #expect(cut.passages.allSatisfy { $0.utf8.count <= 1024 && $0.hasSuffix("\n") })
        #expect(cut.passages.joined() == lines + "\n")
        let long = String(repeating: "é", count: 3000)
        let pieces = DomainText("d", text: long).passages
        #expect(pieces.allSatisfy { $0.utf8.count <= 1024 })
        #expect(pieces.joined().filter { !$0.isWhitespace } == long)
        #expect(DomainText("d", text: " \n\n").passages.isEmpty)
    }

    static let ties = """
        models:
          - model: inputs/fp32/ftA
          - model: inputs/fp32/ftB
        merge_method: ties
        base_model: inputs/fp32/base
        parameters: {density: 0.5, weight: 1}
        """
}
