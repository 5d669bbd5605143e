/// How a merge is written.
public struct MergeOptions: Hashable, Sendable {
    /// The most bytes of weights in a file.
    public var shardByteCount: Int
    /// How many threads compute; `nil` for one a physical core.
    public var threads: Int?
    /// Whether a folder that is there and not empty is replaced; the old one goes when the new one is complete.
    public var replacesFolder: Bool
    /// Whether a merge that was interrupted is gone on with.
    public var resumes: Bool
    /// Whether every input file is read through for its SHA-256; otherwise headers and samples are.
    public var hashesInputs: Bool
    /// Whether the result is on the disk before it takes its name. Otherwise the system writes it when it likes, which
    /// suits results that are thrown away: until then a power cut may leave a folder with holes.
    public var flushes: Bool

    /// Makes options.
    public init(
        shardByteCount: Int = 5_000_000_000,
        threads: Int? = nil,
        replacesFolder: Bool = false,
        resumes: Bool = true,
        hashesInputs: Bool = false,
        flushes: Bool = true
    ) {
        self.shardByteCount = shardByteCount
        self.threads = threads
        self.replacesFolder = replacesFolder
        self.resumes = resumes
        self.hashesInputs = hashesInputs
        self.flushes = flushes
    }
}
