import Collab
import CollabKernels

/// Writes a sequence to a file, and makes one of a file's contents.
enum SessionFile {
    // MARK: Writing

    /// Writes a sequence; the file appears under its name when it is complete.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput`.
    static func write(
        _ sequence: KeyValueSequence,
        to path: String,
        model: SHA256Digest,
        pool: KeyValuePool
    ) throws(CollabError) {
        // What cannot be used again need not be kept.
        let computed = sequence.keepsEverything(truncatedTo: sequence.computed) ? sequence.computed : 0
        let header = SessionHeader(
            model: model.bytes,
            adapters: bytes(of: sequence.adapters),
            tokens: sequence.count,
            computed: computed,
            groups: pool.groups.count,
            format: pool.shape.format,
            pageBytes: pool.shape.pageBytes
        )
        let blocks = sequence.blocks.map { $0.prefix(header.pages) }
        let firstPages = blocks.map { $0.firstIndex { $0 != nil } ?? 0 }
        let zeros = [Float](repeating: 0, count: pool.shape.kvHeads * pool.shape.headDimension)
        var writer = try Writer(path: path)
        try writer.write(header.bytes)
        try writer.write(
            sequence.tokens.flatMap { withUnsafeBytes(of: Int32($0).littleEndian) { Array($0) } }
        )
        for page in firstPages {
            try writer.write(withUnsafeBytes(of: UInt32(page).littleEndian) { Array($0) })
        }
        for (group, blocks) in blocks.enumerated() {
            let size = pool.blockBytes(group)
            // Memory is used again: what lies behind the last position may be another text's.
            let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(size, 1), alignment: 64)
            defer { scratch.deallocate() }
            for (page, block) in blocks.enumerated().dropFirst(firstPages[group]) {
                guard let block else { continue }
                let slots = min(AttentionShape.pagePositions, computed - page * AttentionShape.pagePositions)
                scratch.initializeMemory(as: UInt8.self, repeating: 0, count: size)
                for offset in stride(from: 0, to: size, by: pool.shape.pageBytes) {
                    pool.shape.copy(slots: slots, of: block.memory + offset, into: scratch + offset)
                    // Keys are copied by tiles, which may reach further.
                    for slot in slots..<AttentionShape.pagePositions {
                        pool.shape.store(keys: zeros, values: zeros, slot: slot, of: scratch + offset)
                    }
                }
                try writer.write(UnsafeRawBufferPointer(start: scratch, count: size))
            }
        }
        try writer.finish()
    }

    /// Counts and hashes what is written.
    private struct Writer {
        private let file: AtomicFile
        private var offset = 0
        private var hash = SHA256()

        init(path: String) throws(CollabError) { file = try AtomicFile(path: path) }

        mutating func write(_ bytes: UnsafeRawBufferPointer) throws(CollabError) {
            hash.update(bytes)
            try file.write(bytes, at: offset)
            offset += bytes.count
        }

        mutating func write(_ bytes: [UInt8]) throws(CollabError) {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            defer { buffer.deallocate() }
            buffer.copyBytes(from: bytes)
            try write(UnsafeRawBufferPointer(buffer))
        }

        mutating func finish() throws(CollabError) {
            try write(hash.digest().bytes)
            try file.finish()
        }
    }

    // MARK: Reading

    /// What a session must be of to be read.
    struct Reader {
        let name: String
        let identity: SHA256Digest
        let adapters: AdapterSet?
        let pool: KeyValuePool
        let contextLength: Int
        let vocabularySize: Int
    }

    /// The hash of adapters; zeros for none.
    static func bytes(of adapters: AdapterSet?) -> [UInt8] {
        adapters?.identity.bytes ?? Array(repeating: 0, count: SessionHeader.checksumBytes)
    }
}

extension SessionFile.Reader {
    /// Makes a sequence of a file.
    ///
    /// Sizes are checked against the file's length, and the whole file against its checksum, before any memory is
    /// taken for keys and values.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound`, `inputOutput`, `malformedFile` for a file that is cut or
    /// damaged, `unsupported` for another version, `invalidRequest` for a session of another model or other adapters,
    /// `contextOverflow`, and `memoryLimit`.
    func read(_ path: String) throws(CollabError) -> KeyValueSequence {
        let file = try MappedFile(path: path)
        let header = try SessionHeader(file)
        try checkOrigin(of: header, path)
        let firstPages = try layout(of: file, header)
        try file.checkUnchanged()
        var hash = SHA256()
        let end = file.count - SessionHeader.checksumBytes
        hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[..<end]))
        guard hash.digest().bytes == Array(file.bytes[end...]) else {
            throw CollabError(.malformedFile, "\(path) is damaged: its checksum is another.")
        }
        let tokens = try self.tokens(of: file, header)
        var offset = SessionHeader.byteCount + 4 * (header.tokens + header.groups)
        var blocks: [[KeyValueBlock?]] = []
        for (group, first) in firstPages.enumerated() {
            var pages = [KeyValueBlock?](repeating: nil, count: first)
            let size = pool.blockBytes(group)
            for _ in first..<header.pages {
                let block = try pool.makeBlock(group)
                block.memory.copyMemory(from: file.bytes.baseAddress! + offset, byteCount: size)
                offset += size
                pages.append(block)
            }
            blocks.append(pages)
        }
        return KeyValueSequence(
            pool: pool,
            adapters: adapters,
            tokens: tokens,
            computed: header.computed,
            blocks: blocks
        )
    }

    private func checkOrigin(of header: SessionHeader, _ path: String) throws(CollabError) {
        guard header.model == identity.bytes else {
            throw CollabError(
                .invalidRequest,
                "\(path) is a session of another model than \(name), or of one that is run in another precision."
            )
        }
        guard header.adapters == SessionFile.bytes(of: adapters) else {
            throw CollabError(
                .invalidRequest,
                "\(path) is a session under other adapters than those of \(name); load it with the model that has them."
            )
        }
        guard header.format == pool.shape.format else {
            throw CollabError(
                .invalidRequest,
                "\(path) has keys and values as \(header.format.rawValue), but \(name) keeps them as "
                    + "\(pool.shape.format.rawValue); load the model with keyValueFormat \(header.format.rawValue)."
            )
        }
        guard header.tokens <= contextLength else {
            throw CollabError(
                .contextOverflow,
                "\(path) has \(header.tokens) tokens; the context of \(name) holds \(contextLength)."
            )
        }
    }

    /// Checks the sizes; returns how many pages each group has given back.
    private func layout(of file: MappedFile, _ header: SessionHeader) throws(CollabError) -> [Int] {
        guard header.groups == pool.groups.count, header.pageBytes == pool.shape.pageBytes else {
            throw CollabError(
                .malformedFile,
                "\(file.path) has keys and values in another layout than \(name)."
            )
        }
        var expected = SessionHeader.byteCount + 4 * (header.tokens + header.groups)
        guard file.count >= expected + SessionHeader.checksumBytes else {
            throw CollabError(.malformedFile, "\(file.path) ends within its tokens.")
        }
        var firstPages: [Int] = []
        for (group, description) in pool.groups.enumerated() {
            let offset = SessionHeader.byteCount + 4 * (header.tokens + group)
            let first = Int(
                UInt32(littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            )
            let seen = description.window.map { max(0, header.computed - $0 + 1) } ?? 0
            let most = max(0, min(seen, header.computed - 1)) / AttentionShape.pagePositions
            guard first <= most else {
                throw CollabError(
                    .malformedFile,
                    "\(file.path) lacks keys and values that the next token sees."
                )
            }
            firstPages.append(first)
            expected += (header.pages - first) * pool.blockBytes(group)
        }
        expected += SessionHeader.checksumBytes
        guard file.count == expected else {
            throw CollabError(
                .malformedFile,
                "\(file.path) has \(file.count) bytes; its header asks for \(expected)."
            )
        }
        return firstPages
    }

    private func tokens(of file: MappedFile, _ header: SessionHeader) throws(CollabError) -> [TokenID] {
        var tokens: [TokenID] = []
        tokens.reserveCapacity(header.tokens)
        for index in 0..<header.tokens {
            let offset = SessionHeader.byteCount + 4 * index
            let token = Int32(
                littleEndian: file.bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
            )
            guard token >= 0, token < vocabularySize else {
                throw CollabError(.malformedFile, "\(file.path) has a token \(token), which \(name) lacks.")
            }
            tokens.append(TokenID(token))
        }
        return tokens
    }
}
