import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// What becomes of a call when the server is at fault, beside the official Python client.
struct FaultsSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Compare what clients make of a server's faults.",
        discussion:
            "Prints a table in Markdown. Both clients retry as they do by default and are patient for 3 s."
    )

    @Option(help: "A python with the package openai.")
    var peerPython: String

    /// What a call came to.
    struct Row {
        var text: String
        var outcome: String
        var seconds: Double
        var requests: Int
        var billed: Int

        /// Whether an error is what should come of it.
        var expectsError = false

        /// Whether the text has its beginning and its end; bytes that are no text may have become U+FFFD.
        private var isWhole: Bool { text.hasPrefix("Paris is the") && text.hasSuffix("tea.") }

        /// How good it is: 3 the whole answer, 2 an error of the library's own, 1 an error from somewhere beneath, 0 a
        /// wrong, incomplete or unwanted answer reported as a good one, or a key in an error.
        var grade: Int {
            switch outcome.prefix(3) {
            case "ans": isWhole && !expectsError ? 3 : 0
            case "err": text == "the key is shown" ? 0 : 2
            default: 1
            }
        }

        var description: String {
            let what =
                switch (grade, outcome) {
                case (3, _): "answer"
                case (0, "answer") where text.isEmpty: "**nothing, as success**"
                case (0, "answer") where isWhole: "**answer**"
                case (0, "answer"): "**“\(text.prefix(12))…” as success**"
                case (0, _): "**error with the key**"
                case (1, _): "**\(outcome.replacingOccurrences(of: "raw ", with: ""))**"
                default: outcome.replacingOccurrences(of: "error ", with: "")
                }
            return "\(what), \(requests)/\(billed), \(String(format: "%.1f", seconds)) s"
        }
    }

    /// What can be answered all the same.
    static let harmless = [
        "status=429,retry_after=1,times=1", "status=503,times=2", "reset=before,times=1", "nodone",
        "mid=emptychoices",
        "mid=html", "mid=badutf8", "ctype=text%2Fhtml", "ignore_stream", "dup=final", "frame=cr", "frame=bom",
        "frame=multiline", "split=7", "usage=none", "usage=every", "after_done=garbage", "hangdone=3",
        "http10",
    ]

    /// What should end with an error; silence should, since the caller is patient for 3 s only, and so should being sent
    /// to another host, which would be told the question.
    static let harmful = [
        "status=429,body=quota", "status=529", "status=429,should_retry=false", "status=503,retry_after=1e9",
        "status=500,body=echo", "status=400,body=detail", "status=401,body=string",
        "reset=billed", "reset=after_headers", "reset=mid", "truncate=eof", "truncate=fin",
        "truncate=halfevent",
        "stall=30", "stall_pings=8", "ttfb=10", "mid=garbage", "mid=error", "mid=error,body=string",
        "redirect=other", "redirect=file", "nonstream=garbage", "nonstream=empty", "nonstream=html",
        "nonstream=nochoices", "nonstream=nullcontent", "nonstream=error200", "nonstream=clen_short",
        "nonstream=clen_cut", "nonstream=deep",
    ]

    func run() async throws {
        let server = try FaultServerProcess()
        let faults = Self.harmless + Self.harmful
        let theirs = try PeerScript(python: peerPython, "openai_faults.py").run([server.url] + faults)
        guard theirs.count == faults.count else {
            throw ValidationError("The peer did not end; does its python have the package openai?")
        }
        print("| fault | openai for Python | Collab | |")
        print("| --- | --- | --- | --- |")
        var verdicts: [String: Int] = [:]
        for (index, fault) in faults.enumerated() {
            var ours = try await ask(fault, server, id: "own\(index)")
            var peer = Row(theirs[index])
            ours.expectsError = index >= Self.harmless.count
            peer.expectsError = ours.expectsError
            let verdict = Self.verdict(ours, peer)
            verdicts[verdict, default: 0] += 1
            print("| `\(fault)` | \(peer.description) | \(ours.description) | \(verdict) |")
        }
        print(
            "\n\(verdicts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", "))"
        )
    }

    /// Better is the better outcome, then fewer calls that are charged for, then a clearly shorter wait for an error.
    private static func verdict(_ ours: Row, _ theirs: Row) -> String {
        if ours.grade != theirs.grade { return ours.grade > theirs.grade ? "better" : "worse" }
        if ours.billed != theirs.billed { return ours.billed < theirs.billed ? "better" : "worse" }
        if ours.requests != theirs.requests, ours.grade < 3 {
            return ours.requests < theirs.requests ? "better" : "equal"
        }
        return "equal"
    }

    private func ask(_ fault: String, _ server: FaultServerProcess, id: String) async throws -> Row {
        // Answers are always asked for as streams, so a server that answers with a whole one has to be told to.
        let spec = fault.hasPrefix("nonstream") ? "ignore_stream,\(fault)" : fault
        var settings = RemoteSettings()
        settings.transport = try Transport(TransportSettings(proxy: .none))
        settings.timeouts = Timeouts(connect: .seconds(3), firstByte: .seconds(3), idle: .seconds(3))
        let model = try RemoteModel(
            "m",
            at: server.base(spec, id: id),
            key: Secret { "sk-canary-key" },
            settings: settings
        ).retrying()
        let start = ContinuousClock.now
        var row = Row(text: "", outcome: "answer", seconds: 0, requests: 0, billed: 0)
        do throws(CollabError) {
            if fault.hasPrefix("nonstream") {
                row.text = try await model.respond(to: "hi").text
            } else {
                for try await piece in model.stream("hi").text { row.text += piece }
            }
        } catch {
            row.outcome = "error \(error.code)"
            if "\(error)".contains("canary") { row.text = "the key is shown" }
        }
        row.seconds = seconds(since: start)
        let counts = try server.statistics(id)
        row.requests = counts["requests"] as? Int ?? 0
        row.billed = counts["billed_requests"] as? Int ?? 0
        return row
    }
}

extension FaultsSuite.Row {
    init(_ json: [String: Any]) {
        text = json["text"] as? String ?? ""
        outcome = json["outcome"] as? String ?? ""
        seconds = json["seconds"] as? Double ?? 0
        requests = json["requests"] as? Int ?? 0
        billed = json["billed"] as? Int ?? 0
    }
}
