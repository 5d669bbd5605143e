/// A decoder that can be told that it is about to be asked, side by side with others.
///
/// Engines divide the cores among those that have something to compute. The first of several that are asked at the same
/// time begins before the tasks that ask the others have run, on cores that those tasks need: told beforehand, it takes
/// its share and no more.
package protocol AnnouncedDecoder: Decoder {
    /// Says that the decoder will be asked at once.
    func announce()
    /// Says that it has been asked, or will not be; once for each ``announce()``.
    func withdraw()
}

/// Tells decoders that they are asked side by side, and asks them.
func announcing<Result>(
    _ decoders: [any Decoder],
    _ ask: () async throws(CollabError) -> Result
) async throws(CollabError) -> Result {
    let announced = decoders.count > 1 ? decoders.compactMap { $0 as? any AnnouncedDecoder } : []
    for decoder in announced { decoder.announce() }
    defer { for decoder in announced { decoder.withdraw() } }
    return try await ask()
}
