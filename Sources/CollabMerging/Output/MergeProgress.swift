/// How far a merge is.
public struct MergeProgress: Hashable, Sendable {
    /// How many bytes of the result are written.
    public var bytes: Int
    /// How many it will have.
    public var totalBytes: Int
    /// How many of the bytes were there from an earlier run.
    public var resumedBytes: Int
    /// How many tensors are complete.
    public var tensors: Int
    /// How many there will be.
    public var totalTensors: Int
    /// How long the run has taken, in seconds.
    public var seconds: Double

    /// Bytes a second, those of an earlier run not counted.
    public var rate: Double { seconds > 0 ? Double(bytes - resumedBytes) / seconds : 0 }
    /// How long the rest will take at this rate, in seconds; `nil` while nothing is known.
    public var remainingSeconds: Double? { rate > 0 ? Double(totalBytes - bytes) / rate : nil }
}

/// What a merge has written.
public struct MergeSummary: Hashable, Sendable {
    /// The folder.
    public var folder: String
    /// The files with weights, in order.
    public var files: [String]
    /// How far it is: complete.
    public var progress: MergeProgress
    /// The names of tensors that were complete before this run.
    public var resumedTensors: Int
}
