import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("A merge is gone on with only if nothing that it reads has changed")
struct MergeIdentityTests {
    /// A merge of two models with tokenizers that can be changed.
    private struct Example {
        let scratch = try! ScratchFolder()
        let model: String
        var requiresFinite = true

        init() throws {
            model = try scratch.copy("tok/base", as: "model")
            _ = try scratch.copy("tok/base", as: "other")
        }

        func writer() throws -> MergeWriter {
            let yaml = """
                models:
                  - {model: \(model), parameters: {weight: 0.5}}
                  - {model: \(scratch.path)/other, parameters: {weight: 0.5}}
                merge_method: linear
                """
            let file = try MergeFile(yaml: yaml, source: "config.yml", requiringFinite: requiresFinite)
            return MergeWriter(
                file.stages[0].plan,
                to: scratch.path + "/out",
                configuration: yaml,
                options: MergeOptions(threads: 1)
            )
        }

        /// Runs the merge until some tensors are done.
        func interrupt() throws {
            let count = Protected(0)
            let error = #expect(throws: CollabError.self) {
                try writer().runBlocking { _ in
                } isCancelled: {
                    count.withLock { count in
                        count += 1
                        return count > 20
                    }
                }
            }
            #expect(error?.code == .cancelled)
        }
    }

    @Test("with everything as it was, it is")
    func unchanged() async throws {
        let example = try Example()
        try example.interrupt()
        #expect(try await example.writer().run().resumedTensors > 0)
    }

    @Test(
        "weights that were written again count as changed, even where every sample is as it was",
        arguments: ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
    )
    func touched(_ file: String) async throws {
        let example = try Example()
        try example.interrupt()
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
            ofItemAtPath: example.model + "/" + file
        )
        #expect(try await example.writer().run().resumedTensors == 0)
    }

    @Test("another file in the place of an input counts as changed")
    func exchanged() async throws {
        let example = try Example()
        try example.interrupt()
        let path = example.model + "/model.safetensors"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".old")
        try FileManager.default.copyItem(atPath: path + ".old", toPath: path)
        let date = try #require(attributes[.modificationDate] as? Date)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        #expect(try await example.writer().run().resumedTensors == 0)
    }

    @Test("tensors that were let pass unchecked are computed again when they are to be checked")
    func finite() async throws {
        var example = try Example()
        example.requiresFinite = false
        try example.interrupt()
        example.requiresFinite = true
        #expect(try await example.writer().run().resumedTensors == 0)
    }

    @Test("a finished merge is known again, and not taken for one of other inputs")
    func finished() async throws {
        var example = try Example()
        #expect(try !example.writer().isFinished())
        try example.interrupt()
        #expect(try !example.writer().isFinished())
        _ = try await example.writer().run()
        #expect(try example.writer().isFinished())
        example.requiresFinite = false
        #expect(try !example.writer().isFinished())
        example.requiresFinite = true
        let weights = example.scratch.path + "/out/model.safetensors"
        try FileManager.default.moveItem(atPath: weights, toPath: weights + ".old")
        #expect(try !example.writer().isFinished())
        try FileManager.default.moveItem(atPath: weights + ".old", toPath: weights)
        #expect(try example.writer().isFinished())
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)],
            ofItemAtPath: example.model + "/tokenizer.json"
        )
        #expect(try !example.writer().isFinished())
    }

    @Test("a run that was killed when its result had its place is ended, and nothing is left of it")
    func killedAtTheEnd() async throws {
        let example = try Example()
        let (files, scratch) = (FileManager.default, example.scratch)
        _ = try await example.writer().run()
        #expect(try !example.writer().concludeEarlierRun(), "a run that was complete has nothing to end")
        let names = try files.contentsOfDirectory(atPath: scratch.path + "/out").sorted()
        let journal = scratch.path + "/out/" + MergeJournal.fileName
        for leftover in [journal, scratch.path + "/.out.partial.replaced/model.safetensors"] {
            let parent = URL(fileURLWithPath: leftover).deletingLastPathComponent().path
            try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
            try "left".write(toFile: leftover, atomically: true, encoding: .utf8)
            #expect(try example.writer().concludeEarlierRun())
            #expect(!files.fileExists(atPath: leftover))
            #expect(try !example.writer().concludeEarlierRun())
        }
        #expect(try scratch.names() == ["model", "other", "out"])
        #expect(try files.contentsOfDirectory(atPath: scratch.path + "/out").sorted() == names)
        #expect(try example.writer().isFinished())
    }

    @Test("the journal of another merge, or in a folder of something else, stays")
    func otherJournal() async throws {
        var example = try Example()
        let journal = example.scratch.path + "/out/" + MergeJournal.fileName
        _ = try await example.writer().run()
        try "left".write(toFile: journal, atomically: true, encoding: .utf8)
        example.requiresFinite = false
        #expect(try !example.writer().concludeEarlierRun())
        #expect(FileManager.default.fileExists(atPath: journal))
    }

    @Test("cards of copies differ in the line alone by which a finished merge is known")
    func cards() async throws {
        var cards: [[Substring]] = []
        for example in [try Example(), try Example()] {
            let text = "models: the same"
            let writer = MergeWriter(
                try example.writer().plan,
                to: example.scratch.path + "/out",
                configuration: text
            )
            _ = try await writer.run()
            let folder = example.scratch.path
            let card = try String(contentsOfFile: folder + "/out/README.md", encoding: .utf8)
            cards.append(card.replacingOccurrences(of: folder, with: "").split(separator: "\n"))
        }
        #expect(cards[0].dropLast() == cards[1].dropLast())
        #expect(cards[0].last != cards[1].last && cards[0].last?.hasPrefix("<!-- merge ") == true)
    }

    @Test("copies of the same inputs give weights of the same bytes")
    func copies() async throws {
        let (first, second) = (try Example(), try Example())
        var results: [Data] = []
        for example in [first, second] {
            let writer = try example.writer()
            let plan = writer.plan
            // The names of the inputs stand in the file; they are the same from within.
            let text = "models: the same"
            _ = try await MergeWriter(plan, to: example.scratch.path + "/out", configuration: text).run()
            let file = URL(fileURLWithPath: example.scratch.path + "/out/model.safetensors")
            let data = try Data(contentsOf: file)
            results.append(
                Data(
                    String(decoding: data, as: UTF8.self)
                        .replacingOccurrences(of: example.scratch.path, with: "").utf8
                )
            )
        }
        #expect(results[0] == results[1])
    }
}
