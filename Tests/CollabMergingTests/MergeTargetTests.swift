import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("Where a merge cannot end is known before it begins")
struct MergeTargetTests {
    private let files = FileManager.default

    private func writer(
        to folder: String,
        replacing: Bool = false,
        _ yaml: String? = nil
    ) throws -> MergeWriter {
        let text = try yaml ?? MergeFixtures.configuration("linear-basic")
        return MergeWriter(
            try MergeFixtures.plan(yaml: text),
            to: folder,
            configuration: text,
            options: MergeOptions(threads: 1, replacesFolder: replacing)
        )
    }

    @Test("a link to a folder stays, and the folder that it leads to gets the result")
    func links() async throws {
        let scratch = try ScratchFolder()
        try files.createDirectory(atPath: scratch.path + "/real", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: "real")
        _ = try await writer(to: scratch.path + "/link").run()
        #expect(scratch.exists("real/model.safetensors"))
        #expect(try files.destinationOfSymbolicLink(atPath: scratch.path + "/link") == "real")
        _ = try await writer(to: scratch.path + "/link/", replacing: true).run()
        #expect(try scratch.names() == ["link", "real"])
    }

    @Test("a link that leads nowhere, the current folder and what holds it are refused")
    func refusals() throws {
        let scratch = try ScratchFolder()
        try files.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: "nowhere")
        for folder in [
            scratch.path + "/link", ".", "..", "/", files.currentDirectoryPath, scratch.path + "/new/..",
        ] {
            #expect(throws: CollabError.self, "\(folder)") { try writer(to: folder, replacing: true).check() }
        }
        #expect(try scratch.names() == ["link"], "nothing was made")
    }

    @Test(
        "what is replaced goes with its folders, and what an earlier run left beside it does not stand in the way"
    )
    func folders() async throws {
        let scratch = try ScratchFolder()
        for round in 0..<3 {
            try files.createDirectory(
                atPath: scratch.path + "/out/sub/deep",
                withIntermediateDirectories: true
            )
            try "kept".write(toFile: scratch.path + "/out/sub/deep/note", atomically: true, encoding: .utf8)
            if round == 1 {
                try files.copyItem(
                    atPath: scratch.path + "/out",
                    toPath: scratch.path + "/.out.partial.replaced"
                )
            }
            _ = try await writer(to: scratch.path + "/out", replacing: true).run()
            #expect(try scratch.names() == ["out"])
            let names = try files.contentsOfDirectory(atPath: scratch.path + "/out").sorted()
            #expect(names == ["README.md", "config.json", "merge_config.yml", "model.safetensors"])
        }
    }

    @Test("a result that cannot take its place can be gone on with")
    func journalLast() async throws {
        let scratch = try ScratchFolder()
        let writer = try writer(to: scratch.path + "/out")
        let (count, target) = (writer.plan.tensors.count, scratch.path + "/out/taken")
        // Something takes the name while the merge is on its way.
        let error = #expect(throws: CollabError.self) {
            try writer.runBlocking { _ in
            } isCancelled: {
                try? FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
                return false
            }
        }
        #expect(error?.code == .inputOutput)
        try files.removeItem(atPath: scratch.path + "/out")
        #expect(try await writer.run().resumedTensors == count)
    }

    @Test("a folder that holds an input is not replaced, by whatever path it is named")
    func inputs() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.copy("fp32/ftA", as: "models/a")
        try files.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: "models")
        let yaml = "models: [{model: \(model), parameters: {weight: 1}}]\nmerge_method: linear\n"
        for folder in ["models/a", "models", "link/a", "link", "models/../models/a/"] {
            let error = #expect(throws: CollabError.self, "\(folder)") {
                try writer(to: scratch.path + "/" + folder, replacing: true, yaml).check()
            }
            #expect(error?.message.contains("reads") == true)
        }
        try writer(to: scratch.path + "/models/ab", replacing: true, yaml).check()
    }

    @Test("the folders that the result lies in are made")
    func parents() async throws {
        let scratch = try ScratchFolder()
        _ = try await writer(to: scratch.path + "/some/where/out").run()
        #expect(scratch.exists("some/where/out/model.safetensors"))
        try "file".write(toFile: scratch.path + "/file", atomically: true, encoding: .utf8)
        let error = await #expect(throws: CollabError.self) {
            try await writer(to: scratch.path + "/file/out").run()
        }
        #expect(error?.code == .inputOutput)
    }

    @Test("a tokenizer that cannot be taken over is known before the work")
    func takenFiles() throws {
        let scratch = try ScratchFolder()
        let model = try scratch.copy("tok/base", as: "a")
        try files.moveItem(atPath: model + "/tokenizer.json", toPath: scratch.path + "/outside.json")
        try files.createSymbolicLink(
            atPath: model + "/tokenizer.json",
            withDestinationPath: "../outside.json"
        )
        let yaml = "models: [{model: \(model), parameters: {weight: 1}}]\nmerge_method: linear\n"
        let writer = try writer(to: scratch.path + "/out", yaml)
        let error = #expect(throws: CollabError.self) { try writer.check() }
        #expect(error?.message.contains("symbolic link") == true)
    }

    @Test("what is beside the folder under a name of another kind stays")
    func neighbours() async throws {
        let scratch = try ScratchFolder()
        let others = [".out.partial.replaced-more", ".out.partial.replaced.partial"]
        for name in [".out.partial.replaced-2"] + others {
            try files.createDirectory(atPath: scratch.path + "/" + name, withIntermediateDirectories: true)
        }
        _ = try await writer(to: scratch.path + "/out").run()
        #expect(try scratch.names() == others + ["out"])
    }
}
