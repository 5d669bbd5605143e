import Collab
import CollabBackends
import Foundation
import Testing

@Suite("A search for a merge is journalled")
struct SearchJournalTests {
    private static let bowl: @Sendable ([Double]) async throws(CollabError) -> Double = { point in
        let (x, y) = (point[0] - 0.7, point[1] + 0.2)
        return point[1] > 0.3 ? .infinity : x * x + 2 * y * y
    }

    private func search() throws -> MergeSearch {
        MergeSearch(try CovarianceSearch(from: [0, 0], step: 0.5, seed: 8), limit: 30)
    }

    @Test("broken off anywhere, even within a line, it goes on from the file and ends the same")
    func resumed() async throws {
        let folder = try TemporaryFolder()
        let whole = try await search().run(objective: Self.bowl)
        #expect(whole.trials.contains { $0.loss == .infinity }, "infinite losses are written too")
        let path = folder.path("search.jsonl")
        _ = try await search().run(journal: SearchJournal(at: path), objective: Self.bowl)
        let complete = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try SearchJournal(at: path).trials == whole.trials)
        let lines = complete.split(separator: UInt8(ascii: "\n"))
        for (kept, torn) in [(0, 0), (1, 5), (7, 0), (23, 12)] {
            var part = Data()
            for line in lines.prefix(kept) { part += line + [UInt8(ascii: "\n")] }
            part += lines[kept].prefix(torn)
            try part.write(to: URL(fileURLWithPath: path))
            let asked = Protected(0)
            let outcome = try await search().run(journal: SearchJournal(at: path)) {
                (point) async throws(CollabError) in
                asked.withLock { $0 += 1 }
                return try await Self.bowl(point)
            }
            #expect(outcome == whole)
            #expect(asked.withLock { $0 } == 30 - kept)
            #expect(try SearchJournal(at: path).trials == whole.trials)
        }
    }

    @Test("a trial is in the file before the next one begins, and a failure leaves those before it")
    func failure() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        let asked = Protected(0)
        let error = await #expect(throws: CollabError.self) {
            try await search().run(journal: SearchJournal(at: path)) { (point) async throws(CollabError) in
                let number = asked.withLock { asked in
                    asked += 1
                    return asked
                }
                let known = try SearchJournal(at: path).trials.count
                guard known == number - 1, number < 5 else { throw CollabError(.invalidRequest, "\(known)") }
                return try await Self.bowl(point)
            }
        }
        #expect(error?.message == "4")
        #expect(try SearchJournal(at: path).trials.count == 4)
    }

    @Test("a whole line that is no trial is named")
    func malformed() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("search.jsonl")
        try Data("{\"point\":[1],\"loss\":2}\n{\"other\":1}\n".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: CollabError.self) { try SearchJournal(at: path) }
        #expect(error?.code == .malformedFile && error?.message.contains("Line 2") == true)
    }
}
