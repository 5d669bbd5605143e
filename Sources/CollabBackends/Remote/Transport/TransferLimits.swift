/// How much of a response is taken in.
package struct TransferLimits: Hashable, Sendable {
    /// The most bytes of the response's head.
    package var head = 128 << 10
    /// The most bytes of the body, after decompression.
    package var body = 256 << 20
    /// Above this many waiting bytes the transfer is paused; below half of it, it goes on.
    ///
    /// Over HTTP/1.1 that, and a read of 16 KiB, is all that waits. Over HTTP/2 libcurl goes on reading the connection for
    /// the other streams and keeps what comes for a paused one, up to the window of 32 MiB that it grants each.
    package var buffer = 64 << 10
    /// After the answer is complete: how long to wait for the end of the body, so that the connection can be used again.
    package var drainTime = Duration.milliseconds(100)
    /// And how many bytes to throw away meanwhile.
    package var drainBytes = 64 << 10

    package init() {}
}
