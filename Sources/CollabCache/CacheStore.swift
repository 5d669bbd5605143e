import Collab
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The table of answers, bounded in size.
final class CacheStore: Sendable {
    /// What was used since the last transaction; hits are only written down together with the next answer.
    private struct Uses {
        var ticks: [Int64: Int64] = [:]
        var last: Int64 = 0

        /// A time in microseconds, later than any before.
        mutating func tick() -> Int64 {
            last = max(last + 1, Int64(Date.now.timeIntervalSince1970 * 1e6))
            return last
        }
    }

    let damage: ResponseCache.DamagePolicy
    private let capacity: Int
    private let path: String
    private let pool: DatabasePool
    private let uses = Protected(Uses())

    init(path: String, capacity: Int, damage: ResponseCache.DamagePolicy) throws(CollabError) {
        self.path = path
        self.capacity = capacity
        self.damage = damage
        pool = try CacheFile(path: path).open(damage)
    }

    deinit { try? pool.write { [uses] database in try Self.writeDown(uses, database) } }

    func response(for key: CacheKey) async throws(CollabError) -> Response? {
        let found = try await perform { [pool] in
            try await pool.read { database -> (Int64, String)? in
                try Row.fetchOne(
                    database,
                    sql: "SELECT id, response FROM answer WHERE hash = ? AND key = ?",
                    arguments: [key.hash, key.text]
                ).map { ($0[0], $0[1]) }
            }
        }
        guard let (id, text) = found else { return nil }
        let response = try CacheKey.response(fromJSON: text)
        uses.withLock { $0.ticks[id] = $0.tick() }
        return response
    }

    /// Stores an answer and returns how many gave way to it.
    func store(_ response: Response, for key: CacheKey) async throws(CollabError) -> Int {
        // The key may have been quoted in this very answer.
        let key = key.withoutQuotedKeys
        var response = response.withoutQuotedKeys
        response.trace = nil
        let text = try CacheKey.json(response)
        let bytes = key.text.utf8.count + text.utf8.count
        guard bytes <= capacity else { return 0 }
        // A transaction of a cancelled task is rolled back; this answer has been paid for, so its task is its own.
        return try await perform { [pool, uses, capacity] in
            try await Task {
                try await pool.write { database in
                    try Self.writeDown(uses, database)
                    try database.execute(
                        sql: "DELETE FROM answer WHERE hash = ? AND key = ?",
                        arguments: [key.hash, key.text]
                    )
                    try database.execute(
                        sql: "INSERT INTO answer (hash, key, response, bytes, used) VALUES (?, ?, ?, ?, ?)",
                        arguments: [key.hash, key.text, text, bytes, uses.withLock { $0.tick() }]
                    )
                    return try Self.evict(beyond: capacity, database)
                }
            }.value
        }
    }

    func contents() async throws(CollabError) -> ResponseCache.Contents {
        try await perform { [pool] in
            try await pool.read { database in
                let row = try Row.fetchOne(database, sql: "SELECT answers, bytes FROM total")
                return ResponseCache.Contents(answers: row?[0] ?? 0, bytes: row?[1] ?? 0)
            }
        }
    }

    func removeAll() async throws(CollabError) {
        try await perform { [pool] in
            try await pool.write { database in try database.execute(sql: "DELETE FROM answer") }
        }
    }

    private static func writeDown(_ uses: Protected<Uses>, _ database: Database) throws {
        let ticks = uses.withLock { uses in
            defer { uses.ticks = [:] }
            return uses.ticks
        }
        for (id, tick) in ticks {
            try database.execute(
                sql: "UPDATE answer SET used = ? WHERE id = ? AND used < ?",
                arguments: [tick, id, tick]
            )
        }
    }

    private static func evict(beyond capacity: Int, _ database: Database) throws -> Int {
        var excess = try Int.fetchOne(database, sql: "SELECT bytes FROM total") ?? 0
        excess -= capacity
        guard excess > 0 else { return 0 }
        var doomed: [Int64] = []
        let oldest = try Row.fetchCursor(database, sql: "SELECT id, bytes FROM answer ORDER BY used, id")
        while excess > 0, let row = try oldest.next() {
            doomed.append(row[0])
            excess -= row[1] as Int
        }
        for id in doomed { try database.execute(sql: "DELETE FROM answer WHERE id = ?", arguments: [id]) }
        return doomed.count
    }

    private func perform<Result: Sendable>(
        _ body: () async throws -> Result
    ) async throws(CollabError) -> Result {
        do { return try await body() } catch { throw CacheFile(path: path).failure(error) }
    }
}
