package import BridgeModel

// What goes into the machine and what comes out of it.
extension RecordingMachine {
    /// What cannot be derived from the row.
    package struct Limits: Sendable, Equatable {
        /// No keyframe by then, counted from the moment that the source is there: the recording fails with 'no media'.
        package var firstMedia: Duration = .seconds(10)
        /// A source that is away for longer ends the recording.
        package var away: Duration = .seconds(35)
        /// A recorder that was told to stop and says nothing for this long is counted as dead; its file is finished by the finisher.
        package var stop: Duration = .seconds(5)
        /// The same for a finisher; a day's recording is copied in this time.
        package var finish: Duration = .seconds(1800)
        /// How the recording is cut; nil: one file.
        package var segmentation: Segmentation?
        /// An uncut recording is closed when it has grown to this (streamrec contract section 10).
        package var bytes: Int64 = 50 << 30
        /// Recorders that die one after the other without a new frame; then what there is is delivered.
        package var crashes = 3

        package init() {}
    }

    /// A fact.
    package enum Input: Sendable, Equatable {
        /// The stream has no source any more; its recorder waits.
        case sourceLost
        /// The stream has its first source, or one again. `sameTracks`: the running recorder can go on with it.
        case sourceReturned(sameTracks: Bool)
        /// The recorder of this part could not be launched at all.
        case launchFailed(part: Int, BridgeError)
        /// What the recorder that began with this part says. Late words of earlier parts are understood.
        case recorder(part: Int, PipelineEvent)
        /// What the finisher says.
        case finisher(PipelineEvent)
        /// The finisher could not be launched.
        case finisherFailed(BridgeError)
        /// Its user, its session's end or the bridge's shutdown.
        case stop
        /// The spool's disk has less free than the reserve.
        case spaceLow
        /// The uploader's news: the row as it was committed.
        case uploadChanged(RecordingRow)
        /// `deadline` has passed.
        case deadline
    }

    /// Something to do.
    package enum Effect: Sendable, Equatable {
        /// Start a recorder that writes this part, and subscribe it to the stream.
        case launchRecorder(part: Int)
        /// Subscribe the running recorder to the returned source, unless the hub kept it.
        case resumeRecorder(part: Int)
        /// Tell the recorder to complete its file; unsubscribe it when it has ended.
        case stopRecorder(part: Int)
        /// The recorder does not answer: end its process, so that its file is free.
        case killRecorder(part: Int)
        /// Join these parts into the segment's file.
        case launchFinisher(parts: [Int], of: SegmentRow)
        /// Move the finished file to its place. It takes effect before the next `commit`.
        case promote(FinishedFile, SegmentRow)
        /// Write the rows, and what they cause, in one transaction.
        case commit(RecordingRow, [SegmentRow], Outbox?)
        /// More of a segment is durable; the ledger may hear of it a little later.
        case progress(SegmentRow)
        /// More of the MP4 that this part's recorder writes is durable, so many bytes; it is to be the segment's file.
        case movieProgress(part: Int, bytes: Int64, SegmentRow)
        /// The MP4 beside this part will not be the segment's file: remove what there is of it, which may be nothing.
        case removeMovie(part: Int)
        /// All uploads may be over: end the recording if they are.
        case settle
        /// Tell the session.
        case notify(RecordingUpdate)
    }

    /// Where the finished file lies before it is promoted.
    package enum FinishedFile: Sendable, Equatable {
        /// The only part is the file.
        case part(Int)
        /// The recorder of this part wrote it beside the part.
        case movie(Int)
        /// The finisher made it.
        case joined
    }

    /// What goes into the outbox together with the row.
    package enum Outbox: Sendable, Equatable {
        /// The upload of the segment's file to the recording's destination.
        case upload(SegmentRow)
        /// The webhooks of this event.
        case event(BridgeEvent)
    }
}
