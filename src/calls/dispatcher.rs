//! The messages of the `Dispatcher` object, their answers, and the client that sends them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::Env;

use super::clients::{ClientReply, ClientRequest};
use super::health::DispatcherHealth;
use super::objects::{CallError, Objects};
use super::uploads::{UploadMessage, UploadReply};
use crate::video::access::managed_clients::ManagedClients;
use crate::video::access::owner::Owner;
use crate::video::id::VideoId;
use crate::video::lifecycle::event::SlotReply;
use crate::video::money::Usd;
use crate::video::money::budget::Shortage;
use crate::video::record::listing::{Listing, Page};
use crate::video::task::VideoOwnership;
use crate::video::task::report::TaskReport;
use crate::video::task::search::JobClaim;
use crate::video::time::{Millis, UnixMillis};
use crate::video::usage::UsageReport;
use crate::video::usage::query::UsageQuery;
use crate::wiro::files::Refusal;
use crate::wiro::model::ModelDescription;

pub const BINDING: &str = "DISPATCHER";

/// The name of the only object.
pub const NAME: &str = "dispatcher";

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Reserves the price of a new video of this kind → a [`Shortage`], or null
    Reserve(VideoOwnership, String),
    /// → what the owner has spent today, and the reservations of its unfinished videos
    Usage(Owner),
    /// Asks for a slot for a video of this kind. Wiro may have refused it for capacity before, and asked for this
    /// delay → [`SlotReply`]
    #[serde(rename = "enter")]
    AcquireSlot(VideoOwnership, String, Option<Millis>),
    /// → the position in the queue, counted from 1, or null
    Position(VideoId),
    /// Releases the slot of a video of this kind, or acquires one again, even above the limits; stores how the video has
    /// ended → null
    Report(VideoOwnership, String, TaskReport),
    /// Whether the outcome of a Run is known → null
    RunAnswered(bool),
    /// Removes a video from all tables → null
    Forget(Removal),
    /// A page of the owner's videos → [`Page`], or null
    List(Owner, Listing),
    /// Reconciles a batch of videos that are due at this time, from here → [`SweepPosition`], or null after the last batch
    Sweep(UnixMillis, SweepPosition),
    /// The folder for uploads → its id, or a [`Refusal`]
    Folder,
    /// Counts an upload of this many bytes → whether the client may upload them today
    CountUpload(Owner, i64),
    /// Wiro does not know this folder any more → null
    ForgetFolder(String),
    /// Wiro's description of a model → [`ModelDescription`] as JSON text, or null
    DescribeModel(String),
    /// Claims a job of Wiro for this video → whether it is granted
    ClaimJob(VideoId, Box<JobClaim>),
    /// Run refused parameters, so the model's description may be outdated → null
    #[serde(rename = "distrust_model")]
    RefreshModel(String),
    /// An attempt of an SDK that retries without an idempotency key → the id of its video
    SubmitAttempt(SubmitAttempt),
    /// What the operator decides, and what follows from it → each its own answer
    Operator(OperatorMessage),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorMessage {
    /// The usage of all clients → [`UsageReport`], or null if it has too many rows
    UsageReport(UsageQuery),
    /// → [`DispatcherHealth`]
    Health,
    /// A page of the videos of one client, or of all and of nobody → [`Page`], or null
    ListAll(Option<Owner>, Listing),
    /// The video that the request with this id created → [`Page`], which may be empty
    OfRequest(String),
    /// The clients that are managed at run time, unless this is their version → [`ManagedClients`], or null
    ManagedClients(Option<i64>),
    /// The operator asks about clients or changes them → [`ClientReply`]
    Clients(Box<ClientRequest>),
    /// Whether nobody may submit and queued jobs wait → null
    Pause(bool),
    /// Releases the reservation of a video that has no job → the amount
    Release(VideoId),
    /// The files that a client has uploaded → [`UploadReply`]
    Uploads(Owner, UploadMessage),
    /// Removes what is stored of a client besides its videos and what they cost → null
    EraseClient(Owner),
}

/// A video that is being removed.
#[derive(Debug, Deserialize, Serialize)]
pub struct Removal {
    pub video: VideoOwnership,
    /// As far as it is known.
    pub cost: Option<Usd>,
    /// Its submit was refused as if there had been no video.
    pub is_refused: bool,
    /// Unix seconds; `None` if the video has not ended.
    pub expires_at: Option<i64>,
}

/// How far a sweep has come.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct SweepPosition {
    /// The last video that had ended and was asked.
    pub ended: Option<EndedVideo>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EndedVideo {
    pub id: VideoId,
    /// Unix seconds.
    pub expires_at: i64,
}

/// One attempt of an SDK to send a submit.
#[derive(Debug, Deserialize, Serialize)]
pub struct SubmitAttempt {
    /// A digest of client, SDK and request.
    pub request: String,
    /// The id of the video, if this attempt creates it.
    pub id: VideoId,
    /// 0 for the first attempt.
    pub retry_count: u32,
}

/// Most batches of one sweep. Each is a request to the dispatcher.
const MAX_SWEEP_BATCHES: u32 = 100;

pub struct DispatcherClient {
    objects: Objects,
}

impl DispatcherClient {
    /// Fails if the binding is missing; the other methods fail if the object does not answer.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { objects: Objects::bound(env, BINDING)? })
    }

    /// Sends a message and reads its answer.
    async fn ask<R: DeserializeOwned>(&self, message: Message) -> Result<R, CallError> {
        self.objects.call(NAME, &message).await
    }

    /// Reserves the price of a video of this kind before it is created. Idempotent.
    pub async fn reserve(&self, video: VideoOwnership, kind: String) -> Result<Option<Shortage>, CallError> {
        self.ask(Message::Reserve(video, kind)).await
    }

    /// What the owner has spent today, and the reservations of its unfinished videos.
    pub async fn usage(&self, owner: &Owner) -> Result<(Usd, Usd), CallError> {
        self.ask(Message::Usage(owner.clone())).await
    }

    /// Asks for a slot, or for the position in the queue; see
    /// [`Effect::AcquireSlot`](crate::video::lifecycle::event::Effect::AcquireSlot).
    pub async fn acquire_slot(
        &self,
        video: VideoOwnership,
        kind: String,
        capacity_retry_after: Option<Millis>,
    ) -> Result<SlotReply, CallError> {
        self.ask(Message::AcquireSlot(video, kind, capacity_retry_after)).await
    }

    pub async fn health(&self) -> Result<DispatcherHealth, CallError> {
        self.ask(Message::Operator(OperatorMessage::Health)).await
    }

    /// The position of a queued job, counted from 1.
    pub async fn position(&self, id: &VideoId) -> Result<Option<u32>, CallError> {
        self.ask(Message::Position(id.clone())).await
    }

    /// Reports whether a video of this kind needs a slot, and how it has ended. Idempotent.
    pub async fn report(
        &self,
        video: VideoOwnership,
        kind: String,
        report: TaskReport,
    ) -> Result<(), CallError> {
        self.ask(Message::Report(video, kind, report)).await
    }

    /// Reports whether the outcome of a Run is known.
    pub async fn run_answered(&self, is_known: bool) -> Result<(), CallError> {
        self.ask(Message::RunAnswered(is_known)).await
    }

    /// The usage of all clients; `None` if the report has too many rows.
    pub async fn usage_report(&self, query: UsageQuery) -> Result<Option<UsageReport>, CallError> {
        self.ask(Message::Operator(OperatorMessage::UsageReport(query))).await
    }

    /// A page of the owner's videos; `None` if the video at which it starts does not exist.
    pub async fn list(&self, owner: &Owner, listing: Listing) -> Result<Option<Page>, CallError> {
        self.ask(Message::List(owner.clone(), listing)).await
    }

    /// A page of the videos of one client, or of all and of nobody; `None` as for [`list`](Self::list).
    pub async fn list_all(
        &self,
        client: Option<&Owner>,
        listing: Listing,
    ) -> Result<Option<Page>, CallError> {
        self.ask(Message::Operator(OperatorMessage::ListAll(client.cloned(), listing))).await
    }

    /// The video that the request with this id created, if it is not removed.
    pub async fn of_request(&self, request_id: String) -> Result<Page, CallError> {
        self.ask(Message::Operator(OperatorMessage::OfRequest(request_id))).await
    }

    /// Removes a video from the queue, the lists and the budget.
    pub async fn forget(&self, removal: Removal) -> Result<(), CallError> {
        self.ask(Message::Forget(removal)).await
    }

    /// The folder for uploads.
    pub async fn folder(&self) -> Result<Result<String, Refusal>, CallError> {
        self.ask(Message::Folder).await
    }

    /// Counts an upload of this many bytes and returns whether the client may upload them today.
    pub async fn count_upload(&self, owner: &Owner, bytes: i64) -> Result<bool, CallError> {
        self.ask(Message::CountUpload(owner.clone(), bytes)).await
    }

    /// Reports that Wiro does not know this folder any more.
    pub async fn forget_folder(&self, id: String) -> Result<(), CallError> {
        self.ask(Message::ForgetFolder(id)).await
    }

    /// Claims a job of Wiro for this video. Refused if another video has it or may have it.
    pub async fn claim_job(&self, id: &VideoId, claim: JobClaim) -> Result<bool, CallError> {
        self.ask(Message::ClaimJob(id.clone(), Box::new(claim))).await
    }

    /// Wiro's description of a model; `None` if Wiro gives none.
    pub async fn describe_model(&self, slug: &str) -> Result<Option<ModelDescription>, CallError> {
        let json: Option<String> = self.ask(Message::DescribeModel(slug.to_owned())).await?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Reports that the model's description may be outdated, so that it is read again.
    pub async fn refresh_model(&self, slug: &str) -> Result<(), CallError> {
        self.ask(Message::RefreshModel(slug.to_owned())).await
    }

    /// The id of the video for an attempt: a retry gets the id of its first attempt.
    pub async fn video_of(&self, attempt: SubmitAttempt) -> Result<VideoId, CallError> {
        self.ask(Message::SubmitAttempt(attempt)).await
    }

    /// The clients that are managed at run time; `None` if this is their version.
    pub async fn managed_clients(&self, version: Option<i64>) -> Result<Option<ManagedClients>, CallError> {
        self.ask(Message::Operator(OperatorMessage::ManagedClients(version))).await
    }

    /// Reads or changes clients.
    pub async fn clients(&self, request: ClientRequest) -> Result<ClientReply, CallError> {
        self.ask(Message::Operator(OperatorMessage::Clients(Box::new(request)))).await
    }

    /// Releases the reservation of a video that has no job; returns the amount.
    pub async fn release(&self, id: &VideoId) -> Result<Usd, CallError> {
        self.ask(Message::Operator(OperatorMessage::Release(id.clone()))).await
    }

    /// Asks about the files that a client has uploaded.
    pub async fn uploads(&self, owner: &Owner, message: UploadMessage) -> Result<UploadReply, CallError> {
        self.ask(Message::Operator(OperatorMessage::Uploads(owner.clone(), message))).await
    }

    /// Removes what is stored of a client besides its videos and what they cost.
    pub async fn erase_client(&self, owner: &Owner) -> Result<(), CallError> {
        self.ask(Message::Operator(OperatorMessage::EraseClient(owner.clone()))).await
    }

    /// Pauses or resumes everything.
    pub async fn pause(&self, paused: bool) -> Result<(), CallError> {
        self.ask(Message::Operator(OperatorMessage::Pause(paused))).await
    }

    /// Reconciles the videos that are due at this time, in bounded batches.
    pub async fn sweep(&self, as_of: UnixMillis) -> Result<(), CallError> {
        let mut position = SweepPosition::default();
        for _ in 0..MAX_SWEEP_BATCHES {
            let next: Option<SweepPosition> = self.ask(Message::Sweep(as_of, position)).await?;
            let Some(next) = next else { break };
            position = next;
        }
        Ok(())
    }
}
