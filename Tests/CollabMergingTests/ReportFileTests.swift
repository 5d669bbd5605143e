import Collab
import CollabBackends
import Foundation
import Testing

@testable import CollabMerging

@Suite("What a measurement needs is checked before anything is measured")
struct ReportFileTests {
    @Test("a file in a folder that is not there, and a folder, are refused with words")
    func refusals() throws {
        let scratch = try ScratchFolder()
        for path in ["/nowhere/x.svg", "", "/"] {
            let error = #expect(throws: CollabError.self) { try ReportFile(scratch.path + path) }
            #expect(error?.code == .inputOutput)
            #expect(error.map { "\($0)" }?.contains("NSError") == false)
        }
        #expect(throws: CollabError.self) { try ReportFile("") }
        #expect(try scratch.names().isEmpty)
    }

    @Test("files of several parts have their names before the ending")
    func marks() throws {
        let scratch = try ScratchFolder()
        let file = try ReportFile(scratch.path + "/a.b.svg")
        try file.write([1])
        try file.write([2], marked: "math")
        try file.write([3], marked: "../x")
        let plain = try ReportFile(scratch.path + "/plain")
        try plain.write([4], marked: "math")
        #expect(try scratch.names() == ["a.b-.._x.svg", "a.b-math.svg", "a.b.svg", "plain-math"])
    }

    @Test("pieces of text are no longer than the model's context")
    func windows() throws {
        let model = try SafetensorsCheckpoint(path: MergeFixtures.folder + "/../../models/smollm3")
        #expect(try TokenWindows.length(256, for: model) == 64)
        #expect(try TokenWindows.length(16, for: model) == 16)
    }
}
