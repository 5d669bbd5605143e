import Collab
import CollabBackends
import Foundation
import Testing

@Suite("The outcome log's file")
struct OutcomeLogTests {
    private let path = FileManager.default.temporaryDirectory
        .appending(path: "outcomes-\(UInt64.random(in: 0 ... .max)).jsonl").path

    private func outcome(_ id: String) -> RoutingOutcome {
        RoutingOutcome(
            id: id,
            request: "What is 17 + 25?\n“é”",
            kind: "sums",
            features: [0.5, -1],
            decision: .init(place: "cascade", choice: "small", reason: "sure", threshold: 0.8),
            scores: ["small": 0.9],
            members: [.init(name: "small", confidence: 0.9, cost: 0.001, latency: 0.4)],
            outcome: .init(cost: 0.001, latency: 0.4, calls: 1)
        )
    }

    @Test("holds an outcome a line, and later judgements beside them")
    func roundTrip() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try OutcomeLog(at: path)
        try await log.record([outcome("a"), outcome("b")])
        try OutcomeLog(at: path).rate("b", quality: 1)
        var rated = outcome("b")
        rated.outcome.quality = 1
        rated.members[0].quality = 1
        #expect(try OutcomeLog.outcomes(at: path) == [outcome("a"), rated])
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(
            lines[0].hasPrefix(
                #"{"decision":{"choice":"small","place":"cascade","reason":"sure","threshold":0.8},"features":[0.5,-1],"#
            )
        )
        #expect(lines[2] == #"{"id":"b","quality":1}"#)
        #expect(throws: CollabError.self) { try log.rate("a", quality: 2) }
    }

    @Test("survives a line that a crash cut off, and names one that makes no sense")
    func broken() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try OutcomeLog(at: path)
        try await log.record([outcome("a")])
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"decision":{"cho"#.utf8))
        try await OutcomeLog(at: path).record([outcome("b")])
        #expect(try OutcomeLog.outcomes(at: path).map(\.id) == ["a", "b"])
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"x\":1}\n".utf8))
        let error = #expect(throws: CollabError.self) { try OutcomeLog.outcomes(at: path) }
        #expect(error?.code == .malformedFile)
        #expect(error?.message.hasPrefix("Line 4") == true)
    }
}
