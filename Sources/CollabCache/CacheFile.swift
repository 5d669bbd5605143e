import Collab
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The cache's file: how it is opened, checked, and begun anew.
struct CacheFile {
    /// Marks a SQLite file as a cache of this library (“Clab”).
    static let applicationID: Int64 = 0x436c_6162
    /// The version of the tables.
    static let version: Int64 = 1

    let path: String

    func open(_ damage: ResponseCache.DamagePolicy) throws(CollabError) -> DatabasePool {
        do throws(CollabError) { return try connect() } catch {
            guard damage == .rebuild, isDamage(error) else { throw error }
            try putAside()
            return try connect()
        }
    }

    private func connect() throws(CollabError) -> DatabasePool {
        // Prompts are nobody else's business; SQLite gives its side files the same permissions.
        let descriptor = Self.create(path)
        guard descriptor >= 0 else {
            throw CollabError(
                .inputOutput,
                "The cache “\(path)” cannot be opened: \(String(cString: strerror(errno)))."
            )
        }
        close(descriptor)
        var configuration = Configuration()
        configuration.busyMode = .timeout(60)
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    try prepare(database)
                    return .commit
                }
            }
            return pool
        } catch { throw failure(error) }
    }

    private static func create(_ path: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #elseif canImport(Musl)
            Musl.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #else
            Darwin.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #endif
    }

    private func prepare(_ database: Database) throws {
        let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)") ?? ""
        guard verdict == "ok" else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict) }
        let application = try Int64.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let version = try Int64.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let tables = try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM sqlite_schema") ?? 0
        if application == 0, version == 0, tables == 0 { return try makeTables(database) }
        guard application == Self.applicationID else {
            throw CollabError(.invalidRequest, "“\(path)” is a database of another program, not a cache.")
        }
        guard version == Self.version else {
            throw CollabError(
                .unsupported,
                "The cache “\(path)” has version \(version); this one reads \(Self.version). Remove it, or use another path."
            )
        }
    }

    private func makeTables(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE answer (
                    id INTEGER PRIMARY KEY,
                    hash INTEGER NOT NULL,
                    key TEXT NOT NULL,
                    response TEXT NOT NULL,
                    bytes INTEGER NOT NULL,
                    used INTEGER NOT NULL
                ) STRICT;
                CREATE INDEX answer_hash ON answer (hash);
                CREATE INDEX answer_used ON answer (used, id, bytes);
                CREATE TABLE total (answers INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
                INSERT INTO total VALUES (0, 0);
                CREATE TRIGGER answer_added AFTER INSERT ON answer BEGIN
                    UPDATE total SET answers = answers + 1, bytes = bytes + new.bytes;
                END;
                CREATE TRIGGER answer_removed AFTER DELETE ON answer BEGIN
                    UPDATE total SET answers = answers - 1, bytes = bytes - old.bytes;
                END;
                PRAGMA application_id = \(Self.applicationID);
                PRAGMA user_version = \(Self.version);
                """
        )
    }

    /// The damaged file, kept for whoever wants to look at it, makes room.
    private func putAside() throws(CollabError) {
        for side in ["-wal", "-shm"] { unlink(path + side) }
        if rename(path, path + ".damaged") != 0 {
            throw CollabError(
                .inputOutput,
                "The damaged cache “\(path)” cannot be put aside: \(String(cString: strerror(errno)))."
            )
        }
    }

    private func isDamage(_ error: CollabError) -> Bool { error.code == .malformedFile }

    /// What a failure of the database means for whoever uses the cache.
    func failure(_ error: any Error) -> CollabError {
        guard let failure = error as? DatabaseError else {
            return CollabError(wrapping: error, as: .inputOutput, "The cache “\(path)” failed.")
        }
        switch failure.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return CollabError(
                .malformedFile,
                "The cache “\(path)” is damaged (\(failure.message ?? "no details")); remove it, or open it with .rebuild."
            )
        case .SQLITE_INTERRUPT where Task.isCancelled, .SQLITE_ABORT where Task.isCancelled:
            return .cancelled
        default:
            return CollabError(
                .inputOutput,
                "The cache “\(path)” failed: \(failure.message ?? "result code \(failure.resultCode)")."
            )
        }
    }
}
