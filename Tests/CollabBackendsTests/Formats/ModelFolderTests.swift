import Collab
import CollabBackends
import Foundation
import Testing

@Suite("Folders of model files")
struct ModelFolderTests {
    @Test(
        "only plain names are opened",
        arguments: ["", ".", "..", "../x", "/etc/hostname", "a/b", "a\\b", "c:d", "x\0y"]
    )
    func plainNames(name: String) throws {
        let temporary = try TemporaryFolder()
        let folder = try ModelFolder(path: temporary.url.path)
        let error = #expect(throws: CollabError.self) { _ = try folder.map(name) }
        #expect(error?.code == .malformedFile)
        #expect(!folder.contains(name))
    }

    @Test("links are followed only where the caller allows")
    func links() throws {
        let temporary = try TemporaryFolder()
        let files = FileManager.default
        try files.createDirectory(atPath: temporary.path("inside"), withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: temporary.path("inside/real")))
        try Data("{}".utf8).write(to: URL(fileURLWithPath: temporary.path("outside")))
        try files.createSymbolicLink(atPath: temporary.path("inside/near"), withDestinationPath: "real")
        try files.createSymbolicLink(atPath: temporary.path("inside/far"), withDestinationPath: "../outside")
        try files.createSymbolicLink(atPath: temporary.path("inside/loop"), withDestinationPath: "loop")

        let strict = try ModelFolder(path: temporary.path("inside"))
        #expect(try strict.map("real").count == 2)
        for name in ["near", "far", "loop"] {
            #expect(throws: CollabError.self) { _ = try strict.map(name) }
        }
        let relaxed = try ModelFolder(
            path: temporary.path("inside"),
            followingLinksInside: temporary.path("inside")
        )
        #expect(try relaxed.map("near").count == 2)
        for name in ["far", "loop"] { #expect(throws: CollabError.self) { _ = try relaxed.map(name) } }
    }

    @Test("the cache of Hugging Face, made of links, opens as it is")
    func cache() throws {
        let temporary = try TemporaryFolder()
        let files = FileManager.default
        let snapshot = "models--org--name/snapshots/abc"
        try files.createDirectory(atPath: temporary.path(snapshot), withIntermediateDirectories: true)
        try files.createDirectory(
            atPath: temporary.path("models--org--name/blobs"),
            withIntermediateDirectories: true
        )
        let source = FuzzCorpus.fixture("checkpoints/base")
        for name in ["config.json", "model.safetensors"] {
            try files.copyItem(
                atPath: source + "/" + name,
                toPath: temporary.path("models--org--name/blobs/\(name)1")
            )
            try files.createSymbolicLink(
                atPath: temporary.path("\(snapshot)/\(name)"),
                withDestinationPath: "../../blobs/\(name)1"
            )
        }
        let checkpoint = try SafetensorsCheckpoint(path: temporary.path(snapshot))
        #expect(checkpoint.specification.architecture == "llama" && checkpoint.tensors.count > 10)
        // A link out of the repository's folder is refused there, too.
        try files.createSymbolicLink(
            atPath: temporary.path("\(snapshot)/x"),
            withDestinationPath: "../../../other"
        )
        try Data("{}".utf8).write(to: URL(fileURLWithPath: temporary.path("other")))
        #expect(throws: CollabError.self) { _ = try ModelFolder(path: temporary.path(snapshot)).map("x") }
    }

    @Test("a folder without weights says what it looked for")
    func nothing() throws {
        let temporary = try TemporaryFolder()
        let error = #expect(throws: CollabError.self) {
            _ = try SafetensorsCheckpoint(path: temporary.url.path)
        }
        #expect(error?.code == .fileNotFound && error?.message.contains("model.safetensors") == true)
        #expect(throws: CollabError.self) { _ = try SafetensorsCheckpoint(path: temporary.path("none")) }
        #expect(throws: CollabError.self) { _ = try ModelFolder(path: temporary.path("none")) }
    }
}
